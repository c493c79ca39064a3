import type { LocalFs } from "../platform/platform.ts";

/** A new directory is durable when its parent is synced; so are the parents that had to be made. @internal */
export async function makeDirectoryDurably(fs: LocalFs, path: string): Promise<void> {
  const parent = fs.resolve(path, "..");
  if (parent !== path && (await fs.stat(parent)) === undefined) await makeDirectoryDurably(fs, parent);
  await fs.makeDirectory(path);
  await fs.syncDirectory(parent);
}

import type { LocalFs } from "../platform/platform.ts";

/** A new directory is durable when its parent is synced; so are the parents that had to be made. @internal */
export async function makeDirectoryDurably(fs: LocalFs, path: string): Promise<void> {
  const parent = fs.resolve(path, "..");
  if (parent !== path && (await fs.stat(parent)) === undefined) await makeDirectoryDurably(fs, parent);
  await fs.makeDirectory(path);
  await fs.syncDirectory(parent);
}

/**
 * The file has all of the bytes or what it had before, also after a crash; its name is durable afterwards.
 * @param inProgress - Where the bytes are until then: a name of its own for each process that may do this at the same time.
 * @internal
 */
export async function replaceFileDurably(
  fs: LocalFs,
  path: string,
  bytes: Uint8Array,
  inProgress: string = `${path}.inprogress`,
): Promise<void> {
  const file = await fs.open(inProgress, "create");
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(inProgress, path);
  await fs.syncDirectory(fs.resolve(path, ".."));
}

import { FileSystemError, type LocalFs } from "../platform/platform.ts";

/** What a disk answers that others may read only, or that syncs no directories. */
const NOT_OURS: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM", "EINVAL", "ENOTSUP"]);

/** Directories whose names are known to be durable; far more than have others made in them. */
const REMEMBERED_MAX = 1000;

/**
 * Makes directories so that they outlive a loss of power. A name is durable when the directory that it is in was synced; that
 * a directory is there does not say so: whoever made it may not have come so far. So every name on the way to a new
 * directory is synced once, and again until it has succeeded.
 * @internal
 */
export class DurableDirectories {
  readonly #fs: LocalFs;
  readonly #durable = new Set<string>();
  /** Made here, and not durable yet. */
  readonly #made = new Set<string>();

  constructor(fs: LocalFs) {
    this.#fs = fs;
  }

  /** A directory of its own for something: with all parents that are not there, and not remembered. */
  async make(path: string): Promise<void> {
    const parent = this.#fs.resolve(path, "..");
    await this.ensure(parent);
    await this.#fs.makeDirectory(path);
    if (parent !== path) await this.#fs.syncDirectory(parent);
  }

  /** A directory that things are made in, again and again: it is there, and so it stays. */
  async ensure(path: string): Promise<void> {
    const parent = this.#fs.resolve(path, "..");
    if (parent === path) return;
    const isThere = (await this.#fs.stat(path)) !== undefined;
    if (isThere && this.#durable.has(path)) return;
    await this.ensure(parent);
    if (!isThere) {
      this.#made.add(path);
      await this.#fs.makeDirectory(path);
    }
    await this.#syncName(path, parent);
    this.#made.delete(path);
    if (this.#durable.size === REMEMBERED_MAX) this.#durable.clear();
    this.#durable.add(path);
  }

  /** A directory that was there may be in one that is somebody else's, as a mount is: that is synced by those who can. */
  async #syncName(path: string, parent: string): Promise<void> {
    try {
      await this.#fs.syncDirectory(parent);
    } catch (error) {
      const isOthers = error instanceof FileSystemError && NOT_OURS.has(error.errno) && !this.#made.has(path);
      if (!isOthers) throw error;
    }
  }
}

/** For who makes one directory, once. @internal */
export function makeDirectoryDurably(fs: LocalFs, path: string): Promise<void> {
  return new DurableDirectories(fs).make(path);
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

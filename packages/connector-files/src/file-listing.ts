import type { LocalFs } from "millrace";
import { fileNotFound, readFailure } from "./file-errors.ts";
import type { FileToRead } from "./read-format.ts";

/**
 * The files behind the given paths, in this order: the paths as given; inside a directory sorted by name, directories
 * among the files. Names that start with `.` or `_` are left out: hidden, in progress, or about other files.
 *
 * @throws MillraceError `MR_FILE_NOT_FOUND`, `MR_FILE_UNREADABLE`
 * @internal
 */
export async function listFiles(fs: LocalFs, paths: readonly string[]): Promise<FileToRead[]> {
  const found = new Map<string, FileToRead>();
  for (const path of paths) await collect(fs, fs.resolve(path), found);
  return [...found.values()];
}

async function collect(fs: LocalFs, path: string, found: Map<string, FileToRead>): Promise<void> {
  try {
    const stat = await fs.stat(path);
    if (stat === undefined) throw fileNotFound(path);
    if (stat.kind === "file") {
      found.set(path, { path, sizeBytes: stat.sizeBytes });
      return;
    }
    for (const name of await fs.list(path)) {
      if (!name.startsWith(".") && !name.startsWith("_")) await collect(fs, fs.resolve(path, name), found);
    }
  } catch (error) {
    throw readFailure(path, error);
  }
}

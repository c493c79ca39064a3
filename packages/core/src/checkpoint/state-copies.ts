/** Copies state files of a checkpoint to this machine's disk, verified (R2 of checkpoint-reader.ts). */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { FileSystemError, type LocalFs, type OpenFile } from "../platform/platform.ts";
import { readState } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import type { FileHandle, StateHandle } from "./state-handles.ts";
import { readParts } from "./state-source.ts";

/**
 * Writes the bytes of a handle of the checkpoint in `directory` to a new file.
 *
 * @throws MillraceError as `readState`, and `MR_DISK_FULL`, `MR_STATE_STORE_FAILED` for the local disk
 * @internal
 */
export async function copyState(
  files: FileSystems,
  directory: string,
  handle: StateHandle,
  to: { readonly fs: LocalFs; readonly path: string },
): Promise<void> {
  if (handle.kind === "file" && (await copyIntact(files, files.resolve(directory, handle.name), handle, to))) return;
  // Whoever reads all of it at once tries again, and says what is wrong.
  const bytes = await readState(files, directory, handle);
  await writeLocal(to.fs, to.path, (file) => onLocalDisk(to.path, () => file.write(bytes, 0)));
}

/** As {@link copyState}, from any place; false when the file there is not what was written, or its disk does not say. @internal */
export async function copyIntact(
  files: Pick<FileSystems, "open">,
  from: string,
  { sizeBytes, crc32c: expected }: FileHandle,
  to: { readonly fs: LocalFs; readonly path: string },
): Promise<boolean> {
  const source = await unlessUnreadable(() => files.open(from));
  if (source === undefined) return false;
  let checksum = 0;
  let copiedBytes = 0;
  try {
    await writeLocal(to.fs, to.path, (file) =>
      readParts(source, async (part, position) => {
        checksum = crc32c(part, 0, part.length, checksum);
        copiedBytes += part.length;
        await onLocalDisk(to.path, () => file.write(part, position));
      }),
    );
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    return false;
  } finally {
    await source.close();
  }
  return copiedBytes === sizeBytes && source.sizeBytes === sizeBytes && checksum === expected;
}

/** @throws MillraceError `MR_DISK_FULL`, `MR_STATE_STORE_FAILED` @internal */
export async function onLocalDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    const isFull = error.errno === "ENOSPC" || error.errno === "EDQUOT";
    throw new MillraceError(isFull ? "MR_DISK_FULL" : "MR_STATE_STORE_FAILED", {
      what: isFull
        ? "The local disk has no room for the state that is restored"
        : "State that is restored could not be written to the local disk",
      where: { path },
      found: error.message,
      todo: "Look at the disk of the working directory, or set state.backend.rocksdb.localdir to another one",
      cause: error,
    });
  }
}

async function writeLocal(fs: LocalFs, path: string, fill: (file: OpenFile) => Promise<void>): Promise<void> {
  const file = await onLocalDisk(path, () => fs.open(path, "create"));
  try {
    await fill(file);
  } finally {
    await file.close();
  }
}

async function unlessUnreadable<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FileSystemError) return undefined;
    throw error;
  }
}

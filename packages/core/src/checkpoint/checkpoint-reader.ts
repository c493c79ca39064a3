/** Finds a checkpoint by the path a person gives, and reads its metadata and state, verified. */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { FileSystemError, type LocalFs } from "../platform/platform.ts";
import { METADATA_FILE } from "./checkpoint-storage.ts";
import { decodeMetadata } from "./metadata-codec.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

export interface LoadedCheckpoint {
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
}

/**
 * Loads a checkpoint. `path` is its directory or its `_metadata` file; for a job's directory the newest completed
 * checkpoint in it is taken.
 *
 * @throws MillraceError `MR_CHECKPOINT_NOT_FOUND`, `MR_CHECKPOINT_CORRUPT`, `MR_FORMAT_VERSION_UNSUPPORTED`
 */
export async function loadCheckpoint(fs: LocalFs, path: string): Promise<LoadedCheckpoint> {
  const given = fs.resolve(path);
  const stat = await fs.stat(given);
  if (stat?.kind === "file") {
    const directory = fs.resolve(given, "..");
    return { directory, metadata: decodeMetadata(await readWhole(fs, given), given) };
  }
  if (stat === undefined) throw notFound(given, "nothing there", undefined);
  const file = fs.resolve(given, METADATA_FILE);
  if ((await fs.stat(file)) !== undefined) {
    return { directory: given, metadata: decodeMetadata(await readWhole(fs, file), file) };
  }
  const completed = await listCompleted(fs, given);
  const newest = completed.at(-1);
  if (newest === undefined) throw notFound(given, await describeDirectory(fs, given), undefined);
  return loadCheckpoint(fs, newest);
}

/** The directories of completed checkpoints in a job's directory, oldest first. */
export async function listCompleted(fs: LocalFs, jobDirectory: string): Promise<readonly string[]> {
  const found: { id: number; path: string }[] = [];
  for (const name of await fs.list(jobDirectory)) {
    const id = /^chk-(\d+)$/.exec(name)?.[1];
    if (id === undefined) continue;
    const path = fs.resolve(jobDirectory, name);
    if ((await fs.stat(fs.resolve(path, METADATA_FILE))) !== undefined) found.push({ id: Number(id), path });
  }
  return found.sort((left, right) => left.id - right.id).map(({ path }) => path);
}

/** @throws MillraceError `MR_STATE_FILE_CORRUPT` when the bytes are not the ones that were written. */
export async function readState(fs: LocalFs, directory: string, handle: StateHandle): Promise<Uint8Array> {
  if (handle.kind === "inline") return handle.bytes;
  const path = fs.resolve(directory, handle.name);
  const bytes = await readStateFile(fs, path);
  if (bytes.length !== handle.sizeBytes) throw corruptState(path, `${bytes.length} bytes`, `${handle.sizeBytes} bytes`);
  const found = crc32c(bytes);
  if (found !== handle.crc32c) throw corruptState(path, `checksum ${hex(found)}`, `checksum ${hex(handle.crc32c)}`);
  return bytes;
}

async function readStateFile(fs: LocalFs, path: string): Promise<Uint8Array> {
  try {
    return await readWhole(fs, path);
  } catch (error) {
    if (error instanceof FileSystemError) throw corruptState(path, error.message, "the state file", error);
    throw error;
  }
}

async function readWhole(fs: LocalFs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.sizeBytes());
    const count = await file.read(bytes, 0);
    return bytes.subarray(0, count);
  } finally {
    await file.close();
  }
}

async function describeDirectory(fs: LocalFs, directory: string): Promise<string> {
  const names = await fs.list(directory);
  if (names.length === 0) return "an empty directory";
  const shown = names.slice(0, 8).join(", ");
  return `a directory without ${METADATA_FILE}, with ${shown}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`;
}

function notFound(path: string, found: string, cause: unknown): MillraceError {
  return new MillraceError("MR_CHECKPOINT_NOT_FOUND", {
    what: "There is no checkpoint to restore from",
    where: { path },
    found,
    expected: "a checkpoint's directory (chk-<n>), its _metadata file, or a job's directory with completed checkpoints",
    todo: "Correct the path given with -s (execution.state-recovery.path)",
    cause,
  });
}

function corruptState(file: string, found: string, expected: string, cause?: unknown): MillraceError {
  return new MillraceError("MR_STATE_FILE_CORRUPT", {
    what: "A state file of the checkpoint is missing or damaged",
    where: { file },
    found,
    expected,
    todo: "Restore from another checkpoint: give its path with -s; nothing falls back to an older one by itself",
    cause,
  });
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

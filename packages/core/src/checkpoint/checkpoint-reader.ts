/**
 * Finds a checkpoint by the path a person gives, and reads its metadata and state, verified.
 *
 * - R1. Nothing is taken that was not asked for: a damaged checkpoint is refused, with the others that could be asked for.
 * - R2. State is used only when its length and checksum are those of the handle.
 * - R3. A file that cannot be read is not called damaged: only one that is missing, or has other bytes, is.
 * - R4. What a job starts from outlives a loss of power from then on: the job commits what belongs to it.
 */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { u32Hex } from "../base/hex.ts";
import { FileSystemError } from "../platform/platform.ts";
import type { FileSystems } from "./file-systems.ts";
import { decodeMetadata } from "./metadata-codec.ts";
import { METADATA_FILE } from "./snapshot-directory.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

/** A read that the disk or the network has failed is tried so often: its failure says nothing about the file. */
const READS_MAX = 3;

/** A large file is read in parts of so many bytes. */
const READ_BYTES = 4 * 2 ** 20;

/** What the next try would only hear again. */
const LASTING: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EISDIR", "EACCES", "EPERM", "EREMOTEIO"]);

/** Names or checkpoints that a message shows at most. */
const SHOWN_MAX = 8;

/** @internal */
export interface LoadedCheckpoint {
  /** Where its state files are. */
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
}

/**
 * Loads a checkpoint. `path` is its directory or its `_metadata` file; for a job's directory the newest completed
 * checkpoint in it is taken.
 *
 * @throws MillraceError `MR_CHECKPOINT_NOT_FOUND` with what is there instead, `MR_CHECKPOINT_CORRUPT` with the readable
 *   checkpoints beside it, `MR_FORMAT_VERSION_UNSUPPORTED`, `MR_CHECKPOINT_UNREADABLE`
 * @internal
 */
export async function loadCheckpoint(fs: FileSystems, path: string): Promise<LoadedCheckpoint> {
  const given = fs.resolve(path);
  try {
    const directory = await findCheckpoint(fs, given);
    return await readCheckpoint(fs, directory);
  } catch (error) {
    if (error instanceof FileSystemError) throw unreadable(given, error);
    throw error;
  }
}

/**
 * The checkpoint in a directory; undefined when there is none, or nobody can say what it is.
 * @internal
 */
export async function loadIfReadable(fs: FileSystems, directory: string): Promise<LoadedCheckpoint | undefined> {
  try {
    return await loadCheckpoint(fs, directory);
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

/** What a directory that cannot be synced answers when nothing in it can change either. */
const READ_ONLY: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM", "EINVAL"]);

/**
 * Makes the name `_metadata` durable (R4): who stored the checkpoint may have been killed between giving the name and syncing
 * it.
 *
 * @throws MillraceError `MR_CHECKPOINT_UNREADABLE`
 * @internal
 */
export async function makeDurable(fs: FileSystems, directory: string): Promise<void> {
  try {
    await fs.syncDirectory(directory);
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    if (!READ_ONLY.has(error.errno)) throw unreadable(directory, error);
  }
}

/** The directories of completed checkpoints in a job's directory, oldest first. @internal */
export async function listCompleted(fs: FileSystems, jobDirectory: string): Promise<readonly string[]> {
  const found: { id: number; path: string }[] = [];
  for (const name of await fs.list(jobDirectory)) {
    const id = /^chk-(\d+)$/.exec(name)?.[1];
    if (id === undefined) continue;
    const path = fs.resolve(jobDirectory, name);
    if (await isCheckpoint(fs, path)) found.push({ id: Number(id), path });
  }
  return found.sort((left, right) => left.id - right.id).map(({ path }) => path);
}

/**
 * The bytes of a handle of the checkpoint in `directory` (R2). Those of a file have their memory for
 * themselves.
 *
 * @throws MillraceError `MR_STATE_FILE_CORRUPT` when the bytes are not the ones that were written,
 *   `MR_CHECKPOINT_UNREADABLE` when nobody can say (R3).
 * @internal
 */
export async function readState(fs: FileSystems, directory: string, handle: StateHandle): Promise<Uint8Array> {
  if (handle.kind === "inline") return handle.bytes;
  const path = fs.resolve(directory, handle.name);
  const { sizeBytes } = handle;
  let read: ReadFile;
  try {
    read = await readWhole(fs, path);
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    if (error.errno !== "ENOENT") throw unreadable(path, error);
    throw await corruptState(fs, path, {
      found: error.message,
      expected: `a file of ${sizeBytes} bytes`,
      cause: error,
    });
  }
  const { bytes, checksum } = read;
  if (bytes.length !== sizeBytes) {
    throw await corruptState(fs, path, { found: `${bytes.length} bytes`, expected: `${sizeBytes} bytes` });
  }
  if (checksum !== handle.crc32c) {
    const expected = `checksum ${u32Hex(handle.crc32c)}`;
    throw await corruptState(fs, path, {
      found: `checksum ${u32Hex(checksum)} over bytes 0 to ${sizeBytes}`,
      expected,
    });
  }
  return bytes;
}

/** The directory of the checkpoint that `given` stands for. */
async function findCheckpoint(fs: FileSystems, given: string): Promise<string> {
  const parent = fs.resolve(given, "..");
  const stat = await fs.stat(given);
  if (stat === undefined) throw notFound(given, `nothing there${await describeBeside(fs, parent)}`);
  if (stat.kind === "file") {
    if (given === fs.resolve(parent, METADATA_FILE)) return parent;
    throw notFound(given, `a file that is not named ${METADATA_FILE}${await describeBeside(fs, parent)}`);
  }
  if (await isCheckpoint(fs, given)) return given;
  const newest = (await listCompleted(fs, given)).at(-1);
  if (newest !== undefined) return newest;
  throw notFound(given, `${await describeDirectory(fs, given)}${await describeBeside(fs, parent)}`);
}

async function readCheckpoint(fs: FileSystems, directory: string): Promise<LoadedCheckpoint> {
  const file = fs.resolve(directory, METADATA_FILE);
  try {
    return { directory, metadata: decodeMetadata((await readWhole(fs, file)).bytes, file) };
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== "MR_CHECKPOINT_CORRUPT") throw error;
    const { where, found, expected } = error;
    throw new MillraceError("MR_CHECKPOINT_CORRUPT", {
      what: "The metadata of a checkpoint is damaged",
      where,
      ...(found === undefined ? {} : { found }),
      ...(expected === undefined ? {} : { expected }),
      todo: await restoreFromAnother(fs, directory),
      cause: error,
    });
  }
}

function isCheckpoint(fs: FileSystems, directory: string): Promise<boolean> {
  return fs.stat(fs.resolve(directory, METADATA_FILE)).then((stat) => stat?.kind === "file");
}

interface ReadFile {
  readonly bytes: Uint8Array;
  /** CRC-32C of all of them. */
  readonly checksum: number;
}

async function readWhole(fs: FileSystems, path: string): Promise<ReadFile> {
  for (let read = 1; ; read++) {
    try {
      return await readOnce(fs, path);
    } catch (error) {
      if (!(error instanceof FileSystemError) || LASTING.has(error.errno) || read === READS_MAX) throw error;
    }
  }
}

async function readOnce(fs: FileSystems, path: string): Promise<ReadFile> {
  const file = await fs.open(path);
  try {
    const bytes = new Uint8Array(file.sizeBytes);
    let checksum = 0;
    // In parts: between them the process answers others.
    for (let start = 0; start < bytes.length; start += READ_BYTES) {
      const end = Math.min(start + READ_BYTES, bytes.length);
      const count = await file.read(bytes.subarray(start, end), start);
      checksum = crc32c(bytes, start, start + count, checksum);
      if (start + count < end) return { bytes: bytes.subarray(0, start + count), checksum };
    }
    return { bytes, checksum };
  } finally {
    await file.close();
  }
}

async function describeDirectory(fs: FileSystems, directory: string): Promise<string> {
  const names = await fs.list(directory);
  return names.length === 0 ? "an empty directory" : `a directory without ${METADATA_FILE}, with ${shown(names)}`;
}

/** What could have been meant: completed checkpoints in the directory that `given` is, or would be, in. */
async function describeBeside(fs: FileSystems, parent: string): Promise<string> {
  const names = (await listIfPossible(fs, parent)).map((path) => path.slice(parent.length).replace(/^[/\\]/, ""));
  return names.length === 0 ? "" : `; ${parent} has ${shown(names)}`;
}

/** What to do when the checkpoint in `directory` is damaged: the command for each readable one beside it, newest first. */
async function restoreFromAnother(fs: FileSystems, directory: string): Promise<string> {
  const readable: string[] = [];
  for (const path of [...(await listIfPossible(fs, fs.resolve(directory, "..")))].reverse()) {
    if (path !== directory && readable.length < SHOWN_MAX && (await isReadable(fs, path))) readable.push(path);
  }
  if (readable.length === 0) {
    return "There is no other readable checkpoint beside it. Restore this one from a copy, or give the path of another with -s";
  }
  const commands = readable.map((path) => `millrace run <job.ts> -s ${path}`);
  return `Nothing falls back to another checkpoint by itself. To restore one of the readable ones: ${commands.join(" or ")}`;
}

/** For what a message adds to a failure: what cannot be listed must not take the failure's place. */
async function listIfPossible(fs: FileSystems, directory: string): Promise<readonly string[]> {
  try {
    return await listCompleted(fs, directory);
  } catch (error) {
    if (error instanceof FileSystemError) return [];
    throw error;
  }
}

async function isReadable(fs: FileSystems, directory: string): Promise<boolean> {
  const file = fs.resolve(directory, METADATA_FILE);
  try {
    decodeMetadata((await readWhole(fs, file)).bytes, file);
    return true;
  } catch (error) {
    if (error instanceof MillraceError || error instanceof FileSystemError) return false;
    throw error;
  }
}

function notFound(path: string, found: string): MillraceError {
  return new MillraceError("MR_CHECKPOINT_NOT_FOUND", {
    what: "There is no checkpoint to restore from",
    where: { path },
    found,
    expected: "a checkpoint's directory (chk-<n>), its _metadata file, or a job's directory with completed checkpoints",
    todo: "Correct the path given with -s (execution.state-recovery.path)",
  });
}

function unreadable(path: string, cause: FileSystemError): MillraceError {
  return new MillraceError("MR_CHECKPOINT_UNREADABLE", {
    what: "The checkpoint cannot be read",
    where: { path },
    found: cause.message,
    expected: "a directory and files that this process may read",
    todo: "Check the permissions and the disk",
    cause,
  });
}

async function corruptState(
  fs: FileSystems,
  file: string,
  details: { readonly found: string; readonly expected: string; readonly cause?: unknown },
): Promise<MillraceError> {
  return new MillraceError("MR_STATE_FILE_CORRUPT", {
    what: "A state file of the checkpoint is missing or damaged",
    where: { file },
    ...details,
    todo: await restoreFromAnother(fs, fs.resolve(file, "..")),
  });
}

function shown(names: readonly string[]): string {
  const rest = names.length - SHOWN_MAX;
  return `${names.slice(0, SHOWN_MAX).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

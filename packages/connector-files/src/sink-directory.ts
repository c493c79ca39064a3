import { FileSystemError, type LocalFs, type OpenFile } from "millrace";
import { crc32c } from "millrace/internal";
import type { EarlierPart, FileCommittable, FileWriterState } from "./file-sink-state.ts";
import type { InProgressPart, PartId, PartNames } from "./part-name.ts";
import { commitLost, dataLost, directoryNotEmpty } from "./sink-errors.ts";

const COPY_BYTES = 1024 * 1024;

/** What one writer or committer of a sink does to its directory, besides appending to open parts. @internal */
export class SinkDirectory {
  readonly path: string;
  readonly names: PartNames;
  /** In the name of every file that is made here. */
  readonly attempt: string;
  readonly #fs: LocalFs;
  /** What has been made here; undefined once a checkpoint may know it. */
  #made: InProgressPart[] | undefined = [];

  constructor(fs: LocalFs, path: string, own: { readonly names: PartNames; readonly attempt: string }) {
    this.#fs = fs;
    this.path = fs.resolve(path);
    this.names = own.names;
    this.attempt = own.attempt;
  }

  inProgressPath(part: InProgressPart): string {
    return this.#fs.resolve(this.path, this.names.inProgress(part));
  }

  /** A file of this attempt; one that is there is somebody else's, and refused. */
  async createPart(part: InProgressPart): Promise<OpenFile> {
    const file = await this.#fs.open(this.inProgressPath(part), "createNew");
    this.#made?.push(part);
    return file;
  }

  /** A part that {@link SinkDirectory.recoverOpenPart} has made. */
  reopenPart(part: InProgressPart): Promise<OpenFile> {
    return this.#fs.open(this.inProgressPath(part), "update");
  }

  /** A checkpoint may know from now on what was made here. */
  keepOwn(): void {
    this.#made = undefined;
  }

  /** Removes what was made here, unless a checkpoint may know it. */
  async removeOwn(): Promise<void> {
    await this.removeInProgress(this.#made ?? []);
    this.#made = [];
  }

  finalPath(id: PartId): string {
    return this.#fs.resolve(this.path, this.names.final(id));
  }

  sync(): Promise<void> {
    return this.#fs.syncDirectory(this.path);
  }

  /** Makes the directory so that it survives a power failure. */
  async make(): Promise<void> {
    const made: string[] = [];
    for (let path = this.path; (await this.#fs.stat(path)) === undefined; ) {
      made.push(path);
      const parent = this.#fs.resolve(path, "..");
      if (parent === path) break;
      path = parent;
    }
    await this.#fs.makeDirectory(this.path);
    for (const path of made.reverse()) await this.#fs.syncDirectory(this.#fs.resolve(path, ".."));
  }

  /** The in-progress files for which `isWanted` holds. */
  async listInProgress(isWanted: (part: InProgressPart) => boolean): Promise<InProgressPart[]> {
    const parts = (await this.#fs.list(this.path)).map((name) => this.names.parseInProgress(name));
    return parts.filter((part) => part !== undefined && isWanted(part)) as InProgressPart[];
  }

  async removeInProgress(parts: readonly InProgressPart[]): Promise<void> {
    for (const part of parts) await this.#fs.remove(this.inProgressPath(part));
  }

  /** @throws MillraceError `MR_SINK_DIRECTORY_NOT_EMPTY` when there are committed parts. */
  async refuseCommitted(): Promise<void> {
    const found = (await this.#fs.list(this.path)).find((name) => this.names.parseFinal(name) !== undefined);
    if (found !== undefined) throw directoryNotEmpty(this.path, found);
  }

  /**
   * Makes a file of this attempt with the bytes that the open part of a restored state had at the barrier.
   *
   * The state names the file that they were written to. The attempt that made it may still be writing, but only behind
   * them: what is before a barrier has been handed over when its checkpoint is complete, and positions never go back. When
   * that file is gone, the job has run on after the checkpoint: its bytes are in the committed part, which never changes,
   * or in a later attempt's copy. The checksum decides, wherever they come from.
   *
   * A rename may come between any two steps here, but in-progress files are only ever renamed to the final name, which is
   * looked at afterwards.
   * @throws MillraceError `MR_SINK_DATA_LOST`
   */
  async recoverOpenPart(state: FileWriterState): Promise<void> {
    const { subtask, generation, openPart, attempt } = state;
    const wanted: InProgressPart = { subtask, generation, part: openPart, attempt };
    const named = await this.#recoverFrom(this.inProgressPath(wanted), state);
    if (named === undefined) return;
    const committed = await this.#recoverFrom(this.finalPath(wanted), state);
    if (committed === undefined) return;
    const isSibling = (part: InProgressPart): boolean =>
      isSamePart(part, wanted) && part.attempt !== attempt && part.attempt !== this.attempt;
    for (const sibling of await this.listInProgress(isSibling)) {
      if ((await this.#recoverFrom(this.inProgressPath(sibling), state)) === undefined) return;
    }
    const found = committed === "no file" ? named : `${named}, and a committed file of its name with ${committed}`;
    throw dataLost(this.inProgressPath(wanted), found, state.openBytes);
  }

  /**
   * Commits one part; idempotent, also when an attempt that was given up does the same at the same time.
   * @throws MillraceError `MR_COMMIT_LOST`
   */
  async commitPart(committable: FileCommittable): Promise<void> {
    const waiting = this.inProgressPath(committable);
    const committed = this.finalPath(committable);
    const stat = await this.#fs.stat(waiting);
    if (stat !== undefined) {
      if (stat.sizeBytes !== committable.sizeBytes)
        throw commitLost(waiting, `${stat.sizeBytes} bytes`, committable.sizeBytes);
      if (await this.#renameIfThere(waiting, committed)) return;
    }
    const done = await this.#fs.stat(committed);
    if (done?.sizeBytes === committable.sizeBytes) return;
    throw commitLost(committed, done === undefined ? "no file" : `${done.sizeBytes} bytes`, committable.sizeBytes);
  }

  /** The committed parts for which `isEarlier` holds. */
  async listCommitted(isEarlier: (id: PartId) => boolean): Promise<EarlierPart[]> {
    const found: EarlierPart[] = [];
    for (const name of await this.#fs.list(this.path)) {
      const id = this.names.parseFinal(name);
      if (id === undefined || !isEarlier(id)) continue;
      const stat = await this.#fs.stat(this.finalPath(id));
      if (stat !== undefined) found.push({ ...id, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs });
    }
    return found;
  }

  /**
   * Removes parts of an earlier run, except where this run has put its own in their place or is about to.
   *
   * The order of the first two checks matters, because after a restore at another parallelism somebody else may be
   * committing the new part of this name: it is either still in progress at the first check, or another file at the
   * second. An attempt that was given up may hang behind both, while its successor commits. So a part is moved aside,
   * looked at again, and put back when it is not what it was. An earlier part that was only moved is removed by the next
   * one that does this. Not covered: who has moved a successor's part, and dies before it has put it back.
   */
  async removeEarlier(earlier: readonly EarlierPart[]): Promise<void> {
    if (earlier.length === 0) return;
    const inProgress = await this.listInProgress(() => true);
    for (const part of earlier) {
      if (await this.#isAwaited(inProgress, part)) continue;
      const path = this.finalPath(part);
      if (!(await this.#isUnchanged(path, part))) continue;
      const aside = this.inProgressPath({ ...part, attempt: this.attempt });
      if (!(await this.#renameIfThere(path, aside))) continue;
      if (await this.#isUnchanged(aside, part)) await this.#fs.remove(aside);
      else await this.#renameIfThere(aside, path);
    }
  }

  /** Whether a new part of this name is in progress. What was only moved aside is removed. */
  async #isAwaited(inProgress: readonly InProgressPart[], earlier: EarlierPart): Promise<boolean> {
    let isAwaited = false;
    for (const part of inProgress) {
      if (!isSamePart(part, earlier)) continue;
      const path = this.inProgressPath(part);
      if (await this.#isUnchanged(path, earlier)) await this.#fs.remove(path);
      else isAwaited = true;
    }
    return isAwaited;
  }

  async #isUnchanged(path: string, { sizeBytes, modifiedMs }: EarlierPart): Promise<boolean> {
    const stat = await this.#fs.stat(path);
    return stat?.sizeBytes === sizeBytes && stat.modifiedMs === modifiedMs;
  }

  /** False when nothing was there. */
  async #renameIfThere(from: string, to: string): Promise<boolean> {
    try {
      await this.#fs.rename(from, to);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Undefined when the file has the bytes, and they are copied; otherwise what was found instead. */
  async #recoverFrom(source: string, state: FileWriterState): Promise<string | undefined> {
    const { subtask, generation, openPart, openBytes, openChecksum } = state;
    let from: OpenFile;
    try {
      from = await this.#fs.open(source, "read");
    } catch (error) {
      if (isMissing(error)) return "no file";
      throw error;
    }
    try {
      const sizeBytes = await from.sizeBytes();
      if (sizeBytes < openBytes) return `${sizeBytes} bytes`;
      const target: InProgressPart = { subtask, generation, part: openPart, attempt: this.attempt };
      if ((await this.#copy({ from, source, target, sizeBytes: openBytes })) === openChecksum) return undefined;
      await this.#fs.remove(this.inProgressPath(target));
      return "other content";
    } finally {
      await from.close();
    }
  }

  /** Copies the first bytes of a file; gives their CRC-32C. */
  async #copy({ from, source, target, sizeBytes }: PartCopy): Promise<number> {
    const to = await this.createPart(target);
    try {
      let checksum = 0;
      const chunk = new Uint8Array(COPY_BYTES);
      for (let position = 0; position < sizeBytes; ) {
        const piece = chunk.subarray(0, Math.min(chunk.length, sizeBytes - position));
        const count = await from.read(piece, position);
        if (count < piece.length) throw new FileSystemError("EIO", "read", source);
        await to.write(piece, position);
        checksum = crc32c(piece, 0, piece.length, checksum);
        position += count;
      }
      await to.sync();
      return checksum;
    } finally {
      await to.close();
    }
  }
}

interface PartCopy {
  readonly from: OpenFile;
  readonly source: string;
  readonly target: InProgressPart;
  readonly sizeBytes: number;
}

function isSamePart(left: PartId, right: PartId): boolean {
  return left.subtask === right.subtask && left.generation === right.generation && left.part === right.part;
}

function isMissing(error: unknown): boolean {
  return error instanceof FileSystemError && error.errno === "ENOENT";
}

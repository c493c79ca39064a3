import { FileSystemError, type LocalFs } from "millrace";
import { crc32c } from "millrace/internal";
import type { EarlierPart, FileCommittable, FileWriterState } from "./file-sink-state.ts";
import type { PartId, PartNames } from "./part-name.ts";
import { commitLost, dataLost, directoryNotEmpty } from "./sink-errors.ts";

const COPY_BYTES = 1024 * 1024;

/** What the writers and committers of a sink do to its directory, besides appending to open parts. @internal */
export class SinkDirectory {
  readonly path: string;
  readonly names: PartNames;
  readonly #fs: LocalFs;

  constructor(fs: LocalFs, path: string, names: PartNames) {
    this.#fs = fs;
    this.path = fs.resolve(path);
    this.names = names;
  }

  inProgressPath(id: PartId): string {
    return this.#fs.resolve(this.path, this.names.inProgress(id));
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

  /** Removes the in-progress files for which `isLeftover` holds. */
  async removeInProgress(isLeftover: (id: PartId) => boolean): Promise<void> {
    for (const name of await this.#fs.list(this.path)) {
      const id = this.names.parseInProgress(name);
      if (id !== undefined && isLeftover(id)) await this.#fs.remove(this.inProgressPath(id));
    }
  }

  /** @throws MillraceError `MR_SINK_DIRECTORY_NOT_EMPTY` when there are committed parts. */
  async refuseCommitted(): Promise<void> {
    const found = (await this.#fs.list(this.path)).find((name) => this.names.parseFinal(name) !== undefined);
    if (found !== undefined) throw directoryNotEmpty(this.path, found);
  }

  /**
   * Brings the open part of a restored state back to the length it had at the barrier.
   *
   * When the job has run on after the checkpoint, the part may be committed by now. Parts only ever grow, so the
   * committed file begins with exactly the bytes that are needed; they are copied and their checksum is compared.
   * @throws MillraceError `MR_SINK_DATA_LOST`
   */
  async recoverOpenPart(state: FileWriterState): Promise<void> {
    const id = { subtask: state.subtask, generation: state.generation, part: state.openPart };
    const path = this.inProgressPath(id);
    const stat = await this.#fs.stat(path);
    if (stat === undefined) {
      await this.#copyFromCommitted(state, id);
      return;
    }
    if (stat.sizeBytes < state.openBytes) throw dataLost(path, `${stat.sizeBytes} bytes`, state.openBytes);
    const file = await this.#fs.open(path, "update");
    try {
      if (stat.sizeBytes > state.openBytes) await file.truncate(state.openBytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Commits one part; idempotent. @throws MillraceError `MR_COMMIT_LOST` */
  async commitPart(committable: FileCommittable): Promise<void> {
    const waiting = this.inProgressPath(committable);
    const committed = this.finalPath(committable);
    const stat = await this.#fs.stat(waiting);
    if (stat !== undefined) {
      if (stat.sizeBytes !== committable.sizeBytes)
        throw commitLost(waiting, `${stat.sizeBytes} bytes`, committable.sizeBytes);
      await this.#fs.rename(waiting, committed);
      return;
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
   * Removes a part of an earlier run, unless this run has put its own in its place or is about to.
   *
   * The order of the two checks matters, because after a restore at another parallelism somebody else may be committing
   * the new part of this name: it is either still in progress at the first check, or another file at the second.
   */
  async removeEarlier(earlier: EarlierPart): Promise<void> {
    if ((await this.#fs.stat(this.inProgressPath(earlier))) !== undefined) return;
    const stat = await this.#fs.stat(this.finalPath(earlier));
    if (stat?.sizeBytes !== earlier.sizeBytes || stat.modifiedMs !== earlier.modifiedMs) return;
    await this.#fs.remove(this.finalPath(earlier));
  }

  async #copyFromCommitted(state: FileWriterState, id: PartId): Promise<void> {
    const target = this.inProgressPath(id);
    const source = this.finalPath(id);
    const stat = await this.#fs.stat(source);
    if (stat === undefined) throw dataLost(target, "no file", state.openBytes);
    if (stat.sizeBytes < state.openBytes)
      throw dataLost(target, `no file, and ${stat.sizeBytes} committed bytes`, state.openBytes);
    const checksum = await this.#copy(source, target, state.openBytes);
    if (checksum === state.openChecksum) return;
    // A file of the same name by another run.
    await this.#fs.remove(target);
    throw dataLost(target, "no file, and a committed file of its name with other content", state.openBytes);
  }

  /** Copies the first bytes of a file; gives their CRC-32C. */
  async #copy(source: string, target: string, sizeBytes: number): Promise<number> {
    const from = await this.#fs.open(source, "read");
    try {
      const to = await this.#fs.open(target, "create");
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
    } finally {
      await from.close();
    }
  }
}

/**
 * Writes the parts of one subtask.
 *
 * - F1. A part ends only by size, decided record by record; barriers and restarts leave no trace in the files.
 * - F2. The bytes before a barrier are durable when its `flush` has settled; a restore cuts everything behind them off.
 * - F3. A part's name is used for one content only, as long as its run goes on.
 * - F4. A writer writes only into files that it has made itself: an attempt that was given up, but goes on for a while, has
 *   other ones. An open part that is restored is copied ({@link SinkDirectory.recoverOpenPart}).
 * - F5. Nobody can tell from the directory which of two attempts is the later one. So a writer lists what others have
 *   left when it starts, and that is removed by the commit of its first completed checkpoint: the list was made before
 *   that checkpoint, so before any successor began, and has no file of one. The files that its own restored checkpoint
 *   needed are copied or committed by then.
 * - F6. A writer that ends before its first barrier removes what it has made itself: no checkpoint can name that.
 */
import type { SinkWriter, WriterInitContext } from "millrace";
import { crc32c, u32Hex } from "millrace/internal";
import type { EarlierPart, FileCommittable, FileWriterState, LeftoverPart } from "./file-sink-state.ts";
import type { InProgressPart, PartId } from "./part-name.ts";
import { PartQueue } from "./part-queue.ts";
import type { SinkDirectory } from "./sink-directory.ts";
import type { FileWriteFormat } from "./write-format.ts";

const CHUNK_BYTES = 256 * 1024;
/** UTF-8 takes at most so many bytes for a UTF-16 code unit. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** @internal */
export interface FileSinkWriterOptions<T> {
  readonly context: WriterInitContext;
  readonly directory: SinkDirectory;
  readonly format: FileWriteFormat<T>;
  readonly maxPartBytes: number;
  readonly existing: "replace" | "fail" | "append";
}

/** @internal */
export class FileSinkWriter<T> implements SinkWriter<T, FileCommittable, FileWriterState> {
  readonly #options: FileSinkWriterOptions<T>;
  readonly #queue: PartQueue = new PartQueue();
  readonly #encoder: InstanceType<typeof TextEncoder> = new TextEncoder();
  readonly #generation: string;
  /** States of other subtasks, to be brought to an end at the next barrier. */
  #foreign: readonly FileWriterState[];
  #finished: { readonly part: number; readonly sizeBytes: number }[] = [];
  #nextPart: number;
  #openPart: number;
  /** Bytes of the open part, with those in the chunk. */
  #openBytes: number;
  /** Of the bytes handed over, without those in the chunk. */
  #openChecksum: number;
  #chunk: Uint8Array = new Uint8Array(CHUNK_BYTES);
  #chunkBytes = 0;
  #isFresh: boolean;
  /** The parts of earlier runs that the first commit of a fresh start replaces, by subtask. */
  readonly #earlier: Map<number, EarlierPart[]> = new Map();
  #isListed = false;
  readonly #freshParallelism: number;
  #hasNewNames = false;
  /** What other attempts have left here, as the start has found it. */
  readonly #leftovers: LeftoverPart[] = [];
  #areLeftoversHandedOver = false;

  constructor(options: FileSinkWriterOptions<T>, restored: readonly FileWriterState[]) {
    const { context, directory, existing } = options;
    this.#options = options;
    const isFreshStart = context.restoredCheckpointId === undefined;
    const own = restored.find(({ subtask }) => subtask === context.subtaskIndex);
    this.#foreign = restored.filter((state) => state !== own);
    this.#generation = own?.generation ?? generationOf(context, existing);
    this.#nextPart = own?.nextPart ?? 0;
    this.#openPart = own?.openPart ?? -1;
    this.#openBytes = own?.openBytes ?? 0;
    this.#openChecksum = own?.openChecksum ?? 0;
    this.#isFresh = own?.isFresh ?? (isFreshStart && existing === "replace");
    this.#freshParallelism = own?.parallelism ?? context.parallelism;
    const freshStart = { subtask: context.subtaskIndex, parallelism: context.parallelism, earlier: null };
    const fresh = [
      ...restored.filter(({ isFresh }) => isFresh),
      ...(own === undefined && this.#isFresh ? [freshStart] : []),
    ];
    const recovered = this.#inProgress(this.#openPart);
    this.#queue.start(() => this.#prepareDirectory(restored, fresh));
    if (this.#openPart >= 0) this.#queue.open(() => directory.reopenPart(recovered));
  }

  write(value: T): void {
    this.#queue.throwIfFailed();
    const text = this.#options.format.encode(value);
    if (this.#openPart < 0) this.#beginPart();
    this.#append(text);
    if (this.#openBytes >= this.#options.maxPartBytes) this.#endPart();
  }

  isAvailable(): boolean {
    return this.#queue.isAvailable;
  }

  whenAvailable(): Promise<void> {
    return this.#queue.whenAvailable();
  }

  prepareCommit(endOfInput: boolean): readonly FileCommittable[] {
    if (endOfInput && this.#openPart >= 0) this.#endPart();
    const foreign = this.#foreign.flatMap((state) => this.#foreignCommittables(state));
    this.#foreign = [];
    const own = this.#finished.map(({ part, sizeBytes }) => this.#committable(part, sizeBytes));
    this.#finished = [];
    // Without a record the end of the input is what is committed: an empty result.
    if (endOfInput && this.#isFresh && own.length === 0) own.push(this.#committable(-1, 0));
    this.#options.directory.keepOwn();
    return [...this.#leftoverCommittables(), ...foreign, ...own];
  }

  snapshotState(_checkpointId: number): readonly FileWriterState[] {
    this.#handOver();
    this.#options.directory.keepOwn();
    return [
      {
        subtask: this.#options.context.subtaskIndex,
        generation: this.#generation,
        nextPart: this.#nextPart,
        openPart: this.#openPart,
        attempt: this.#options.directory.attempt,
        openBytes: this.#openPart < 0 ? 0 : this.#openBytes,
        openChecksum: this.#openPart < 0 ? 0 : this.#openChecksum,
        isFresh: this.#isFresh,
        parallelism: this.#freshParallelism,
        earlier: !this.#isFresh ? [] : this.#isListed ? [...this.#earlierOf(this.#options.context.subtaskIndex)] : null,
      },
    ];
  }

  flush(): Promise<void> {
    this.#handOver();
    if (this.#openPart >= 0) this.#queue.sync();
    if (this.#hasNewNames) this.#queue.run(() => this.#options.directory.sync());
    this.#hasNewNames = false;
    return this.#queue.drained();
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await this.#options.directory.removeOwn();
  }

  async #prepareDirectory(
    restored: readonly FileWriterState[],
    fresh: readonly Pick<FileWriterState, "subtask" | "parallelism" | "earlier">[],
  ): Promise<void> {
    const { context, directory, existing } = this.#options;
    await directory.make();
    const isFreshStart = context.restoredCheckpointId === undefined;
    if (isFreshStart && existing === "fail") await directory.refuseCommitted();
    this.#leftovers.push(...(await directory.listInProgress((id) => isLeftover(id, context, restored))));
    for (const { subtask, parallelism, earlier } of fresh) {
      // Subtask 0 answers for those that this run does not have.
      const isEarlier = (id: PartId): boolean => id.subtask === subtask || (subtask === 0 && id.subtask >= parallelism);
      this.#earlierOf(subtask).push(...(earlier ?? (await directory.listCommitted(isEarlier))));
    }
    this.#isListed = true;
    for (const state of restored) if (state.openPart >= 0) await directory.recoverOpenPart(state);
    await directory.sync();
  }

  #beginPart(): void {
    this.#openPart = this.#nextPart++;
    this.#openBytes = 0;
    this.#openChecksum = 0;
    this.#hasNewNames = true;
    const part = this.#inProgress(this.#openPart);
    this.#queue.open(() => this.#options.directory.createPart(part));
    if (this.#options.format.header !== "") this.#append(this.#options.format.header);
  }

  #endPart(): void {
    this.#handOver();
    this.#queue.finishPart();
    this.#finished.push({ part: this.#openPart, sizeBytes: this.#openBytes });
    this.#openPart = -1;
  }

  #append(text: string): void {
    const bytesMax = text.length * UTF8_BYTES_PER_UNIT_MAX;
    if (this.#chunkBytes + bytesMax > this.#chunk.length) this.#handOver();
    if (bytesMax > this.#chunk.length) {
      const bytes = this.#encoder.encode(text);
      this.#enqueue(bytes, this.#openBytes);
      this.#openBytes += bytes.length;
      return;
    }
    const { written } = this.#encoder.encodeInto(text, this.#chunk.subarray(this.#chunkBytes));
    this.#chunkBytes += written;
    this.#openBytes += written;
  }

  /** Gives the bytes of the chunk to the queue. */
  #handOver(): void {
    if (this.#chunkBytes === 0) return;
    const start = this.#openBytes - this.#chunkBytes;
    // A nearly full chunk is given away, a small one copied, so that a barrier does not cost a chunk.
    const isFull = this.#chunkBytes > CHUNK_BYTES / 2;
    const bytes = isFull ? this.#chunk.subarray(0, this.#chunkBytes) : this.#chunk.slice(0, this.#chunkBytes);
    if (isFull) this.#chunk = new Uint8Array(CHUNK_BYTES);
    this.#chunkBytes = 0;
    this.#enqueue(bytes, start);
  }

  #enqueue(bytes: Uint8Array, position: number): void {
    this.#openChecksum = crc32c(bytes, 0, bytes.length, this.#openChecksum);
    this.#queue.write(bytes, position);
  }

  #committable(part: number, sizeBytes: number): FileCommittable {
    const replaces = this.#isFresh ? this.#earlierOf(this.#options.context.subtaskIndex) : [];
    this.#isFresh = false;
    return { ...this.#inProgress(part), sizeBytes, leftovers: [], replaces };
  }

  /** What another subtask had open is committed as it stood at the barrier. */
  #foreignCommittables(state: FileWriterState): FileCommittable[] {
    const { subtask, generation, openPart, openBytes, isFresh } = state;
    if (openPart < 0 && !isFresh) return [];
    const replaces = isFresh ? this.#earlierOf(subtask) : [];
    const { attempt } = this.#options.directory;
    const sizeBytes = openPart < 0 ? 0 : openBytes;
    return [{ subtask, generation, part: openPart, attempt, sizeBytes, leftovers: [], replaces }];
  }

  /** Once, at the first barrier. What the start has found is there before the commit, which waits for `flush`. */
  #leftoverCommittables(): FileCommittable[] {
    const isNothing = this.#areLeftoversHandedOver || (this.#isListed && this.#leftovers.length === 0);
    this.#areLeftoversHandedOver = true;
    if (isNothing) return [];
    return [{ ...this.#inProgress(-1), sizeBytes: 0, leftovers: this.#leftovers, replaces: [] }];
  }

  // Filled when the directory has been listed: before the commit at the latest, which waits for `flush`.
  #earlierOf(subtask: number): EarlierPart[] {
    const earlier = this.#earlier.get(subtask) ?? [];
    this.#earlier.set(subtask, earlier);
    return earlier;
  }

  #inProgress(part: number): InProgressPart {
    const { context, directory } = this.#options;
    return { subtask: context.subtaskIndex, generation: this.#generation, part, attempt: directory.attempt };
  }
}

/**
 * The generation of a subtask without a state of its own. At a restore its plain part numbers may have been used by an
 * earlier subtask of the same index, and whoever holds that state may still commit them.
 */
function generationOf(context: WriterInitContext, existing: "replace" | "fail" | "append"): string {
  if (context.restoredCheckpointId !== undefined) return `r${context.restoredCheckpointId}`;
  return existing === "append" ? `a${u32Hex(context.platform.random.u32())}` : "";
}

/**
 * Whether nobody needs an in-progress file that is there at the start any more, once a checkpoint is complete that this
 * subtask has taken part in: what the restored one holds is copied or committed by then. The others are left to the
 * subtask that holds their state.
 */
function isLeftover(id: PartId, context: WriterInitContext, restored: readonly FileWriterState[]): boolean {
  const checkpointId = context.restoredCheckpointId;
  const isMine =
    id.subtask === context.subtaskIndex || (context.subtaskIndex === 0 && id.subtask >= context.parallelism);
  if (checkpointId === undefined) return isMine;
  if (restored.some(({ subtask, generation }) => subtask === id.subtask && generation === id.generation)) return true;
  // Begun by a subtask after a restore from this checkpoint or a later one, so not part of this checkpoint.
  return isMine && id.generation.startsWith("r") && Number(id.generation.slice(1)) >= checkpointId;
}

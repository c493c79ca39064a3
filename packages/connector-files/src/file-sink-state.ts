import { type Serializer, t } from "millrace";

/** Where a writer stands at a barrier. @public */
export interface FileWriterState {
  /** The subtask whose name the parts carry. */
  readonly subtask: number;
  readonly generation: string;
  /** The number of the next part to begin. */
  readonly nextPart: number;
  /** The part being written, or -1; and how many of its bytes were written before the barrier. */
  readonly openPart: number;
  readonly openBytes: number;
  /** CRC-32C of these bytes. */
  readonly openChecksum: number;
  /** Nothing was committed since a fresh start: results of an earlier run are still to be replaced. */
  readonly isFresh: boolean;
  /** Parallelism of the fresh start. */
  readonly parallelism: number;
  /**
   * The parts of earlier runs that the first commit replaces, as the fresh start found them: only these, because whatever
   * else is there by then this run has written. Null when the barrier came before the directory had been listed.
   */
  readonly earlier: readonly EarlierPart[] | null;
}

/** A committed part that an earlier run has left, as it was found at the start. @public */
export interface EarlierPart {
  readonly subtask: number;
  readonly generation: string;
  readonly part: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** A finished part that waits for its commit, and the earlier run's parts that go with it. @public */
export interface FileCommittable {
  readonly subtask: number;
  readonly generation: string;
  /** -1 when there are only earlier parts to remove. */
  readonly part: number;
  readonly sizeBytes: number;
  /** Removed when they are still what they were; on the first commit of a fresh start only. */
  readonly replaces: readonly EarlierPart[];
}

const earlierPartType = t.object({
  subtask: t.int32,
  generation: t.string,
  part: t.int64,
  sizeBytes: t.int64,
  modifiedMs: t.float64,
});

/** @internal */
export const fileWriterStateSerializer: Serializer<FileWriterState> = t.object({
  subtask: t.int32,
  generation: t.string,
  nextPart: t.int64,
  openPart: t.int64,
  openBytes: t.int64,
  openChecksum: t.int64,
  isFresh: t.boolean,
  parallelism: t.int32,
  earlier: t.nullable(t.array(earlierPartType)),
}).serializer;

/** @internal */
export const fileCommittableSerializer: Serializer<FileCommittable> = t.object({
  subtask: t.int32,
  generation: t.string,
  part: t.int64,
  sizeBytes: t.int64,
  replaces: t.array(earlierPartType),
}).serializer;

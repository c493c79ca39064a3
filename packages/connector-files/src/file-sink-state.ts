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
}

/** A finished part that waits for its commit, and what of an earlier run its commit clears away. @public */
export interface FileCommittable {
  readonly subtask: number;
  readonly generation: string;
  /** -1 when there is only something to clear. */
  readonly part: number;
  readonly sizeBytes: number;
  /**
   * Which other committed parts of the subtask go: none, those without a generation, or all. Set on the first commit
   * of a fresh start, when none of them can be this run's.
   */
  readonly clears: "none" | "plain" | "all";
  /**
   * Clears the parts of all subtasks from this one on as well; -1 for none. It is the parallelism of the fresh start:
   * subtasks beyond it never write parts without a generation in this run.
   */
  readonly clearsFromSubtask: number;
}

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
}).serializer;

/** @internal */
export const fileCommittableSerializer: Serializer<FileCommittable> = t.object({
  subtask: t.int32,
  generation: t.string,
  part: t.int64,
  sizeBytes: t.int64,
  clears: t.literal("none", "plain", "all"),
  clearsFromSubtask: t.int32,
}).serializer;

/**
 * What the sink keeps in checkpoints.
 *
 *     version 0: subtask, the rest without attempts
 *     later:     -1 - version, then the value of that version
 *
 * A subtask is never negative, so the first number tells the two apart.
 */
import { type BinaryReader, type BinaryWriter, type Serializer, t } from "millrace";

/** Where a writer stands at a barrier. @public */
export interface FileWriterState {
  /** The subtask whose name the parts carry. */
  readonly subtask: number;
  readonly generation: string;
  /** The number of the next part to begin. */
  readonly nextPart: number;
  /** The part being written, or -1; and how many of its bytes were written before the barrier. */
  readonly openPart: number;
  /** Of the open part's in-progress file; empty when it was begun before names had attempts. */
  readonly attempt: string;
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

/** An in-progress file that another attempt has left. @public */
export interface LeftoverPart {
  readonly subtask: number;
  readonly generation: string;
  readonly part: number;
  readonly attempt: string;
}

/** A finished part that waits for its commit, and the earlier run's parts that go with it. @public */
export interface FileCommittable {
  readonly subtask: number;
  readonly generation: string;
  /** -1 when there are only earlier parts to remove. */
  readonly part: number;
  /** Of the file that waits. */
  readonly attempt: string;
  readonly sizeBytes: number;
  /** In-progress files that nothing needs when the checkpoint of this committable is complete. */
  readonly leftovers: readonly LeftoverPart[];
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

const leftoverPartType = t.object({
  subtask: t.int32,
  generation: t.string,
  part: t.int64,
  attempt: t.string,
});

/** Version 0 without its subtask, which comes first. */
const writerStateRest = t.object({
  generation: t.string,
  nextPart: t.int64,
  openPart: t.int64,
  openBytes: t.int64,
  openChecksum: t.int64,
  isFresh: t.boolean,
  parallelism: t.int32,
  earlier: t.nullable(t.array(earlierPartType)),
}).serializer;

/** Version 0 without its subtask, which comes first. */
const committableRest = t.object({
  generation: t.string,
  part: t.int64,
  sizeBytes: t.int64,
  replaces: t.array(earlierPartType),
}).serializer;

/** @internal */
export const fileWriterStateSerializer: Serializer<FileWriterState> = versioned(
  t.object({
    subtask: t.int32,
    generation: t.string,
    nextPart: t.int64,
    openPart: t.int64,
    attempt: t.string,
    openBytes: t.int64,
    openChecksum: t.int64,
    isFresh: t.boolean,
    parallelism: t.int32,
    earlier: t.nullable(t.array(earlierPartType)),
  }).serializer,
  (subtask, input) => ({ subtask, attempt: "", ...writerStateRest.read(input) }),
);

/** @internal */
export const fileCommittableSerializer: Serializer<FileCommittable> = versioned(
  t.object({
    subtask: t.int32,
    generation: t.string,
    part: t.int64,
    attempt: t.string,
    sizeBytes: t.int64,
    leftovers: t.array(leftoverPartType),
    replaces: t.array(earlierPartType),
  }).serializer,
  (subtask, input) => ({ subtask, attempt: "", leftovers: [], ...committableRest.read(input) }),
);

const VERSION = 1;

function versioned<T>(current: Serializer<T>, readFirst: (subtask: number, input: BinaryReader) => T): Serializer<T> {
  return {
    schema: current.schema,
    write(value: T, out: BinaryWriter): void {
      out.zigzag(-1 - VERSION);
      current.write(value, out);
    },
    read(input: BinaryReader): T {
      const first = input.zigzag();
      if (first >= 0) return readFirst(first, input);
      if (first === -1 - VERSION) return current.read(input);
      return input.corrupt(`version ${-1 - first} of a file sink's state`, `version 0 to ${VERSION}`);
    },
  };
}

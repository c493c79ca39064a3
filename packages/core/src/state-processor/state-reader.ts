import type { StateEntry } from "./state-entry.ts";

/**
 * The entries of one state of one operator. They lie in parts: key groups, or all of an operator state, which is part 0.
 * An entry is in the same part in every snapshot of the job, whatever its parallelism.
 *
 * @internal
 */
export interface StateReader {
  /** The number of parts: the maximum parallelism of keyed state, 1 of operator state. */
  readonly partCount: number;
  /** All entries, part by part where there are several. */
  entries(): AsyncIterable<StateEntry>;
  /** The entries of one part. */
  entriesOfPart(part: number): AsyncIterable<StateEntry>;
  /** The entries of a key; none for a list, which has no keys. */
  entriesOfKey(key: unknown): AsyncIterable<StateEntry>;
  /** Closes the file that was read last. */
  close(): Promise<void>;
}

import { invariant } from "../base/errors.ts";
import type { PoisonRecord, ReaderOutput } from "../connectors/source.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";

/** Records that a reader emits in one call; also the distance between two watermarks of a busy split. */
export const SOURCE_BATCH_RECORDS = 256;

/**
 * Carries records from a reader to its chain, a batch at a time, so that the reader's loop and the chain's loop each
 * see one shape of code. Reused for every batch.
 */
export class RecordBatch implements ReaderOutput<unknown> {
  readonly values: unknown[] = new Array(SOURCE_BATCH_RECORDS).fill(undefined);
  readonly timestamps: Float64Array = new Float64Array(SOURCE_BATCH_RECORDS);
  length = 0;
  /** The chain takes the records from `position` up to `end`; see `SourceOperator.processSlice`. */
  position = 0;
  end = 0;
  splitId = "";
  readonly startedSplits: string[] = [];
  readonly finishedSplits: string[] = [];
  readonly poisoned: PoisonRecord[] = [];

  get remaining(): number {
    return SOURCE_BATCH_RECORDS - this.length;
  }

  collect(value: unknown, timestamp: number = NO_TIMESTAMP): void {
    const index = this.length;
    invariant(index < SOURCE_BATCH_RECORDS, "a reader collected more records than remaining allowed");
    this.values[index] = value;
    this.timestamps[index] = timestamp;
    this.length = index + 1;
  }

  fromSplit(splitId: string): void {
    this.splitId = splitId;
  }

  splitStarted(splitId: string): void {
    this.startedSplits.push(splitId);
  }

  splitFinished(splitId: string): void {
    this.finishedSplits.push(splitId);
  }

  poison(record: PoisonRecord): void {
    this.poisoned.push(record);
  }

  clear(): void {
    // Values stay until they are overwritten: 256 references at most, and clearing them costs more than it frees.
    this.length = 0;
    this.position = 0;
    this.end = 0;
    this.splitId = "";
    if (this.startedSplits.length > 0) this.startedSplits.length = 0;
    if (this.finishedSplits.length > 0) this.finishedSplits.length = 0;
    if (this.poisoned.length > 0) this.poisoned.length = 0;
  }
}

/**
 * The inputs of a keyed operator of a batch job: collects all records, sorts them by key and event time, and feeds the
 * operator one key after the other, so that it holds the state of one key at a time.
 *
 * - I1. Records with a key wait until all inputs have ended. Those of an input without keys, such as a broadcast one, go
 *   through at once: they come before all others.
 * - I2. After the last record of a key its event-time and processing-time timers fire, and its state is dropped. Timers
 *   that functions register meanwhile are not kept: the key has no time left.
 * - I3. The operator's watermark is that before the first while it takes records, so that none of them is late.
 */
import type { RecordInput } from "../codegen/compile-chain.ts";
import type { KeySelector } from "../operators/functions.ts";
import type { BaseOperator } from "../operators/operator-runtime.ts";
import { MAX_WATERMARK } from "../time/timestamps.ts";
import { compareKeys } from "../types/compare-keys.ts";

interface WaitingRecord {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly feed: RecordInput;
}

export class SortedInput {
  readonly #operator: BaseOperator;
  readonly #onDrained: () => void;
  #records: WaitingRecord[] = [];
  #position = 0;
  #openInputs: number;
  #isSorted = false;
  #isDrained = false;

  /** @param onDrained - Called once, when the operator has had all its records. */
  constructor(operator: BaseOperator, inputCount: number, onDrained: () => void) {
    this.#operator = operator;
    this.#openInputs = inputCount;
    this.#onDrained = onDrained;
  }

  get isDrained(): boolean {
    return this.#isDrained;
  }

  /** What takes the records of one keyed input; `feed` is the operator's own. */
  collector(keyOf: KeySelector<unknown, unknown>, feed: RecordInput): RecordInput {
    return (value, timestampMs) => void this.#records.push({ key: keyOf(value), value, timestampMs, feed });
  }

  onInputFinished(): void {
    this.#openInputs--;
  }

  /** Feeds up to `recordsMax` records; true when it did something. */
  step(recordsMax: number): boolean {
    if (this.#openInputs > 0 || this.#isDrained) return false;
    if (!this.#isSorted) {
      // Stable: records of one key and time keep the order they came in.
      this.#records.sort((left, right) => compareKeys(left.key, right.key) || left.timestampMs - right.timestampMs);
      this.#isSorted = true;
      this.#operator.restartTime();
    }
    const end = Math.min(this.#records.length, this.#position + recordsMax);
    while (this.#position < end) {
      const { key, value, timestampMs, feed } = this.#records[this.#position++]!;
      feed(value, timestampMs);
      const next = this.#records[this.#position];
      if (next === undefined || compareKeys(key, next.key) !== 0) this.#endKey();
    }
    if (this.#position === this.#records.length) {
      this.#records = [];
      this.#isDrained = true;
      this.#onDrained();
    }
    return true;
  }

  #endKey(): void {
    const operator = this.#operator;
    const { table } = operator;
    if (table !== undefined) table.takesTimers = false;
    operator.onWatermark(MAX_WATERMARK);
    operator.onProcessingTime(MAX_WATERMARK);
    table?.clear();
    if (table !== undefined) table.takesTimers = true;
    operator.restartTime();
  }
}

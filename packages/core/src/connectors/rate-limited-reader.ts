import type { Cancel, Clock } from "../platform/platform.ts";
import { Availability } from "./availability.ts";
import type { InputStatus, PoisonRecord, ReaderOutput, SourceReader } from "./source.ts";
import type { StridedSplit } from "./strided-split.ts";

/** A pause of the process must not be followed by a flood: at most this much is caught up. */
const CATCH_UP_MS_MAX = 1000;
/** Timers finer than this cost more than they bring. */
const WAIT_MS_MIN = 1;

/** Lets a strided reader take its share of indices a second, measured by the clock; waits on a timer, never spins. @internal */
export class RateLimitedReader<T> implements SourceReader<T, StridedSplit> {
  readonly #inner: SourceReader<T, StridedSplit>;
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #output: CappedOutput<T> = new CappedOutput<T>();
  readonly #allowance: Availability = new Availability(true);
  /** Indices that may be read now, with a fraction. */
  #budget = 0;
  #refilledMs: number;
  #cancel: Cancel | undefined;

  constructor(inner: SourceReader<T, StridedSplit>, clock: Clock, ratePerSecond: number) {
    this.#inner = inner;
    this.#clock = clock;
    this.#perMs = ratePerSecond / 1000;
    this.#refilledMs = clock.monoMs();
  }

  start(): void {
    this.#refilledMs = this.#clock.monoMs();
    this.#inner.start();
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    this.#refill();
    const whole = Math.floor(this.#budget);
    const isWaiting = this.#inner.snapshotState(0).length > 0 && whole < 1;
    if (isWaiting) {
      this.#wait();
      return "nothing-available";
    }
    this.#output.start(output, Math.min(whole, output.remaining));
    const before = indicesLeft(this.#inner);
    const status = this.#inner.pollNext(this.#output);
    this.#budget -= before - indicesLeft(this.#inner);
    return status;
  }

  snapshotState(checkpointId: number): readonly StridedSplit[] {
    return this.#inner.snapshotState(checkpointId);
  }

  isAvailable(): Promise<void> {
    return this.#allowance.whenAvailable().then(() => this.#inner.isAvailable());
  }

  addSplits(splits: readonly StridedSplit[]): void {
    this.#inner.addSplits(splits);
  }

  notifyNoMoreSplits(): void {
    this.#inner.notifyNoMoreSplits();
  }

  pauseOrResumeSplits(splitsToPause: readonly string[], splitsToResume: readonly string[]): void {
    this.#inner.pauseOrResumeSplits?.(splitsToPause, splitsToResume);
  }

  close(): Promise<void> {
    this.#cancel?.();
    return this.#inner.close();
  }

  #refill(): void {
    const nowMs = this.#clock.monoMs();
    this.#budget += (nowMs - this.#refilledMs) * this.#perMs;
    this.#budget = Math.min(this.#budget, Math.max(1, CATCH_UP_MS_MAX * this.#perMs));
    this.#refilledMs = nowMs;
  }

  #wait(): void {
    if (this.#cancel !== undefined) return;
    this.#allowance.clear();
    const delayMs = Math.max(WAIT_MS_MIN, Math.ceil((1 - this.#budget) / this.#perMs));
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#allowance.set();
    });
  }
}

/** Of all splits: the reader itself says which of them it reads. */
function indicesLeft(reader: SourceReader<unknown, StridedSplit>): number {
  let left = 0;
  for (const { next, step, end } of reader.snapshotState(0)) left += Math.max(0, Math.ceil((end - next) / step));
  return left;
}

/** The host's output with fewer records left. */
class CappedOutput<T> implements ReaderOutput<T> {
  #target: ReaderOutput<T> | undefined;
  #left = 0;

  start(target: ReaderOutput<T>, cap: number): void {
    this.#target = target;
    this.#left = cap;
  }

  get remaining(): number {
    return this.#left;
  }

  collect(value: T, timestamp?: number): void {
    this.#left--;
    if (timestamp === undefined) this.#target?.collect(value);
    else this.#target?.collect(value, timestamp);
  }

  fromSplit(splitId: string): void {
    this.#target?.fromSplit(splitId);
  }

  splitStarted(splitId: string): void {
    this.#target?.splitStarted(splitId);
  }

  splitFinished(splitId: string): void {
    this.#target?.splitFinished(splitId);
  }

  poison(record: PoisonRecord): void {
    this.#target?.poison(record);
  }
}

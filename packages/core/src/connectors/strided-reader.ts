import { Availability } from "./availability.ts";
import type { InputStatus, ReaderOutput, SourceReader } from "./source.ts";
import type { StridedSplit } from "./strided-split.ts";

/**
 * Emits the elements `next, next + step, …` below `end` until the output is full; returns the first index it did not
 * look at. A generator may leave indices out, so fewer records than indices may come out.
 * @internal
 */
export type StrideEmitter<T> = (output: ReaderOutput<T>, next: number, step: number, end: number) => number;

interface Reading {
  readonly split: StridedSplit;
  next: number;
}

/**
 * Reads strided splits; no I/O. The split whose next index is lowest comes first: ranges are read one after the other, and
 * interleaved strides (several of them after a rescale) advance together, but for those that are paused.
 * @internal
 */
export class StridedReader<T> implements SourceReader<T, StridedSplit> {
  readonly #emit: StrideEmitter<T>;
  readonly #availability: Availability = new Availability();
  readonly #readings: Reading[] = [];
  readonly #paused: Set<string> = new Set();
  #started: string[] = [];
  #noMoreSplits = false;

  constructor(emit: StrideEmitter<T>) {
    this.#emit = emit;
  }

  start(): void {}

  pollNext(output: ReaderOutput<T>): InputStatus {
    const reading = this.#lowest();
    if (reading === undefined) {
      if (this.#readings.length === 0 && this.#noMoreSplits) return "end-of-input";
      this.#availability.clear();
      return "nothing-available";
    }
    if (this.#started.length > 0) for (const splitId of this.#started.splice(0)) output.splitStarted(splitId);
    const { split } = reading;
    output.fromSplit(split.splitId);
    reading.next = this.#emit(output, reading.next, split.step, split.end);
    if (reading.next < split.end) return "more-available";
    output.splitFinished(split.splitId);
    this.#readings.splice(this.#readings.indexOf(reading), 1);
    if (this.#readings.length > 0) return "more-available";
    if (this.#noMoreSplits) return "end-of-input";
    this.#availability.clear();
    return "nothing-available";
  }

  snapshotState(): readonly StridedSplit[] {
    return this.#readings.map(({ split, next }) => ({ ...split, next }));
  }

  isAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  addSplits(splits: readonly StridedSplit[]): void {
    for (const split of splits) {
      this.#readings.push({ split, next: split.next });
      // Interleaved strides are read at the same time: none of them may be left behind by the watermark of another.
      if (split.step > 1) this.#started.push(split.splitId);
    }
    if (this.#readings.length > 0) this.#availability.set();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.set();
  }

  pauseOrResumeSplits(splitsToPause: readonly string[], splitsToResume: readonly string[]): void {
    for (const splitId of splitsToPause) this.#paused.add(splitId);
    for (const splitId of splitsToResume) this.#paused.delete(splitId);
    if (splitsToResume.length > 0) this.#availability.set();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #lowest(): Reading | undefined {
    let lowest: Reading | undefined;
    for (const reading of this.#readings) {
      if (this.#paused.has(reading.split.splitId)) continue;
      if (lowest === undefined || reading.next < lowest.next) lowest = reading;
    }
    return lowest;
  }
}

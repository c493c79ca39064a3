import { Availability } from "./availability.ts";
import type { InputStatus, ReaderOutput, SourceReader } from "./source.ts";
import type { StridedSplit } from "./strided-split.ts";

/**
 * Emits the elements `next, next + step, …` below `end` until the output is full; returns the first index it did not
 * look at. A generator may leave indices out, so fewer records than indices may come out.
 * @internal
 */
export type StrideEmitter<T> = (output: ReaderOutput<T>, next: number, step: number, end: number) => number;

/** Reads strided splits one after the other, in the order they were given; no I/O. @internal */
export class StridedReader<T> implements SourceReader<T, StridedSplit> {
  readonly #emit: StrideEmitter<T>;
  readonly #availability: Availability = new Availability();
  #splits: StridedSplit[] = [];
  #next = 0;
  #noMoreSplits = false;

  constructor(emit: StrideEmitter<T>) {
    this.#emit = emit;
  }

  start(): void {}

  pollNext(output: ReaderOutput<T>): InputStatus {
    const split = this.#splits[0];
    if (split === undefined) return this.#noMoreSplits ? "end-of-input" : "nothing-available";
    output.fromSplit(split.splitId);
    this.#next = this.#emit(output, this.#next, split.step, split.end);
    if (this.#next < split.end) return "more-available";
    output.splitFinished(split.splitId);
    this.#splits.shift();
    this.#next = this.#splits[0]?.next ?? 0;
    if (this.#splits.length > 0) return "more-available";
    if (this.#noMoreSplits) return "end-of-input";
    this.#availability.clear();
    return "nothing-available";
  }

  snapshotState(): readonly StridedSplit[] {
    return this.#splits.map((split, index) => (index === 0 ? { ...split, next: this.#next } : split));
  }

  isAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  addSplits(splits: readonly StridedSplit[]): void {
    const wasEmpty = this.#splits.length === 0;
    this.#splits.push(...splits);
    if (wasEmpty) this.#next = this.#splits[0]?.next ?? 0;
    if (this.#splits.length > 0) this.#availability.set();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.set();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

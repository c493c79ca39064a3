import type { Slice } from "./slice.ts";

/** The slices of a subtask in the order of their ends. New ones come near the end, old ones go from the start. */
export class SliceList {
  readonly byTime: Slice[] = [];

  get oldest(): Slice | undefined {
    return this.byTime[0];
  }

  find(start: number, end: number): Slice | undefined {
    const newest = this.byTime.at(-1);
    let index = newest?.end === end ? this.byTime.length - 1 : this.#firstIndex((slice) => slice.end >= end);
    // Only slices of different grids end at the same time.
    for (; this.byTime[index]?.end === end; index++) {
      if (this.byTime[index]!.start === start) return this.byTime[index];
    }
    return undefined;
  }

  insert(slice: Slice): void {
    let index = this.byTime.length;
    while (index > 0 && this.byTime[index - 1]!.end > slice.end) index--;
    this.byTime.splice(index, 0, slice);
  }

  /** Removes the slices from the oldest on for which the claim holds, and returns them. */
  removeWhile(holds: (slice: Slice) => boolean): readonly Slice[] {
    let count = 0;
    while (count < this.byTime.length && holds(this.byTime[count]!)) count++;
    return this.byTime.splice(0, count);
  }

  /** The oldest slice that is in a window which ends later than the time. */
  firstWithWindowAfter(timestampMs: number): Slice | undefined {
    return this.byTime[this.#firstIndex((slice) => slice.lastWindowEnd > timestampMs)];
  }

  indexEndingAfter(timestampMs: number): number {
    return this.#firstIndex((slice) => slice.end > timestampMs);
  }

  endingAt(end: number): readonly Slice[] {
    const first = this.#firstIndex((slice) => slice.end >= end);
    let after = first;
    while (this.byTime[after]?.end === end) after++;
    return this.byTime.slice(first, after);
  }

  /** The lowest index for which the claim holds; it holds for all later slices too. */
  #firstIndex(holds: (slice: Slice) => boolean): number {
    let low = 0;
    let high = this.byTime.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.byTime[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

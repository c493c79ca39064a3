/**
 * Runs ordered by their first events: a binary heap. The order of runs that began with the same event is that of the
 * heap's array; it decides which of their matches comes first, so it is part of what a pattern means and is the one that
 * Flink's queues have.
 *
 * - H1. Adding the elements of a heap to an empty one in the order of its array gives the same array.
 */
import type { Run } from "./run.ts";

export class RunHeap implements Iterable<Run> {
  #runs: Run[] = [];

  get size(): number {
    return this.#runs.length;
  }

  /** In the order of the array. */
  [Symbol.iterator](): IterableIterator<Run> {
    return this.#runs[Symbol.iterator]();
  }

  peek(): Run | undefined {
    return this.#runs[0];
  }

  add(run: Run): void {
    const runs = this.#runs;
    let at = runs.length;
    runs.push(run);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (run.startSeq >= runs[parent]!.startSeq) break;
      runs[at] = runs[parent]!;
      at = parent;
    }
    runs[at] = run;
  }

  poll(): Run | undefined {
    const first = this.#runs[0];
    const last = this.#runs.pop();
    if (this.#runs.length > 0) this.#siftDown(0, last!);
    return first;
  }

  /** Keeps the runs for which `isKept` holds. */
  retain(isKept: (run: Run) => boolean): void {
    const kept = this.#runs.filter(isKept);
    if (kept.length === this.#runs.length) return;
    this.#runs = kept;
    for (let at = (kept.length >>> 1) - 1; at >= 0; at--) this.#siftDown(at, kept[at]!);
  }

  #siftDown(from: number, run: Run): void {
    const runs = this.#runs;
    const half = runs.length >>> 1;
    let at = from;
    while (at < half) {
      let child = 2 * at + 1;
      const right = child + 1;
      if (right < runs.length && runs[child]!.startSeq > runs[right]!.startSeq) child = right;
      if (run.startSeq <= runs[child]!.startSeq) break;
      runs[at] = runs[child]!;
      at = child;
    }
    runs[at] = run;
  }
}

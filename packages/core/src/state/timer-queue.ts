/**
 * A binary heap of timers ordered by (time, registration). Deleted timers are dropped when they reach the head, so
 * deleting costs nothing.
 */
import type { Timer } from "./key-entry.ts";

export class TimerQueue {
  readonly #heap: Timer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the earliest live timer, or Infinity. */
  peekTimeMs(): number {
    const heap = this.#heap;
    while (heap.length > 0 && heap[0]!.isDeleted) this.#removeHead();
    return heap.length === 0 ? Number.POSITIVE_INFINITY : heap[0]!.timeMs;
  }

  /** The live ones among the first `lookedAtMax` of the heap, in no order but that the earliest is one of them. */
  live(lookedAtMax: number): readonly Timer[] {
    return this.#heap.slice(0, lookedAtMax).filter((timer) => !timer.isDeleted);
  }

  add(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  /** Removes and returns the earliest live timer whose time is at most `timeMs`. */
  pollUntil(timeMs: number): Timer | undefined {
    if (this.peekTimeMs() > timeMs) return undefined;
    return this.#removeHead();
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #removeHead(): Timer {
    const heap = this.#heap;
    const head = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#siftDown(last);
    return head;
  }

  #siftDown(timer: Timer): void {
    const heap = this.#heap;
    const half = heap.length >> 1;
    let index = 0;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, timer)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = timer;
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.timeMs < right.timeMs || (left.timeMs === right.timeMs && left.seq < right.seq);
}

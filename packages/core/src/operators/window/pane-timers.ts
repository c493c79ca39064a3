/**
 * When panes fire or are purged. A pane has one timer at a time; it waits in the list of a span of `bucketMs` of event
 * time. A span's panes are put in order only when the watermark comes to it: most of the sessions that it finds there
 * have grown meanwhile and go on to a later span for a push, not a sift.
 *
 * - T1. Panes come out in the order of their times, those of the same time in the order of their `seq`.
 * - T2. The time of a pane may grow while it waits, it never shrinks. A pane that is gone does not come out.
 */
import type { Pane } from "./pane.ts";

/** Panes of one span, linked by `nextTimer`. */
interface Bucket {
  first: Pane;
  last: Pane;
}

export class PaneTimers {
  readonly #bucketMs: number;
  readonly #timeOf: (pane: Pane) => number;
  /** By the number of the span, counted from the first one seen: small integers are cheaper keys than times. */
  readonly #buckets = new Map<number, Bucket>();
  #firstSpan: number | undefined = undefined;
  /** A binary heap of the keys of `#buckets`. */
  readonly #spans: number[] = [];
  /** The span that is in order in `#ready` and `#readyTimes`, from `#position` on. */
  #readySpan = Number.NEGATIVE_INFINITY;
  readonly #ready: Pane[] = [];
  readonly #readyTimes: number[] = [];
  #position = 0;

  /** @param timeOf - When the pane fires or is purged next, in epoch ms. */
  constructor(bucketMs: number, timeOf: (pane: Pane) => number) {
    this.#bucketMs = bucketMs;
    this.#timeOf = timeOf;
  }

  add(pane: Pane): void {
    const timeMs = this.#timeOf(pane);
    const span = this.#spanOf(timeMs);
    if (span <= this.#readySpan) this.#insertReady(pane, timeMs);
    else this.#wait(pane, span);
  }

  /** Takes the next pane whose time is at most `timeMs`; undefined when none is due. */
  pollUntil(timeMs: number): Pane | undefined {
    do {
      while (this.#position < this.#ready.length) {
        const dueMs = this.#readyTimes[this.#position]!;
        if (dueMs > timeMs) return undefined;
        const pane = this.#ready[this.#position++]!;
        if (pane.isGone) continue;
        if (this.#timeOf(pane) <= dueMs) return pane;
        this.add(pane);
      }
    } while (this.#openNext(timeMs));
    return undefined;
  }

  /** The pane that comes out first of those for which the claim holds; looked for when somebody asks. */
  first(holds: (pane: Pane) => boolean): Pane | undefined {
    let best: Pane | undefined;
    const look = (pane: Pane): void => {
      if (pane.isGone || !holds(pane)) return;
      if (best === undefined || this.#timeOf(pane) < this.#timeOf(best)) best = pane;
    };
    for (let index = this.#position; index < this.#ready.length; index++) look(this.#ready[index]!);
    for (const span of this.#spans.toSorted((left, right) => left - right)) {
      // T2: what waits in a later span is later.
      if (best !== undefined && this.#spanOf(this.#timeOf(best)) < span) break;
      for (let pane: Pane | undefined = this.#buckets.get(span)!.first; pane !== undefined; pane = pane.nextTimer)
        look(pane);
    }
    return best;
  }

  #spanOf(timeMs: number): number {
    const span = Math.floor(timeMs / this.#bucketMs);
    this.#firstSpan ??= span;
    return span - this.#firstSpan;
  }

  #wait(pane: Pane, span: number): void {
    const bucket = this.#buckets.get(span);
    if (bucket === undefined) {
      this.#buckets.set(span, { first: pane, last: pane });
      pushHeap(this.#spans, span);
    } else {
      bucket.last.nextTimer = pane;
      bucket.last = pane;
    }
  }

  // For panes of a span that has been put in order already, which are few.
  #insertReady(pane: Pane, timeMs: number): void {
    let low = this.#position;
    let high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const dueMs = this.#readyTimes[middle]!;
      if (dueMs < timeMs || (dueMs === timeMs && this.#ready[middle]!.seq < pane.seq)) low = middle + 1;
      else high = middle;
    }
    this.#ready.splice(low, 0, pane);
    this.#readyTimes.splice(low, 0, timeMs);
  }

  /** Puts the next span in order when it has begun by `timeMs`. */
  #openNext(timeMs: number): boolean {
    this.#ready.length = 0;
    this.#readyTimes.length = 0;
    this.#position = 0;
    if (this.#spans.length === 0 || this.#spans[0]! > this.#spanOf(timeMs)) return false;
    const span = popHeap(this.#spans);
    let pane: Pane | undefined = this.#buckets.get(span)!.first;
    this.#buckets.delete(span);
    this.#readySpan = span;
    while (pane !== undefined) {
      const next: Pane | undefined = pane.nextTimer;
      pane.nextTimer = undefined;
      if (!pane.isGone) this.#sortIn(pane, span);
      pane = next;
    }
    this.#orderReady();
    return true;
  }

  #sortIn(pane: Pane, span: number): void {
    const timeMs = this.#timeOf(pane);
    const spanNow = this.#spanOf(timeMs);
    if (spanNow > span) {
      this.#wait(pane, spanNow);
      return;
    }
    this.#ready.push(pane);
    this.#readyTimes.push(timeMs);
  }

  #orderReady(): void {
    if (isOrdered(this.#ready, this.#readyTimes)) return;
    const timeOf = this.#timeOf;
    this.#ready.sort((left, right) => timeOf(left) - timeOf(right) || left.seq - right.seq);
    this.#ready.forEach((pane, index) => {
      this.#readyTimes[index] = timeOf(pane);
    });
  }
}

function isOrdered(panes: readonly Pane[], times: readonly number[]): boolean {
  for (let index = 1; index < panes.length; index++) {
    const step = times[index]! - times[index - 1]!;
    if (step < 0 || (step === 0 && panes[index - 1]!.seq > panes[index]!.seq)) return false;
  }
  return true;
}

function pushHeap(heap: number[], value: number): void {
  let index = heap.length;
  heap.push(value);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = value;
}

function popHeap(heap: number[]): number {
  const head = heap[0]!;
  const last = heap.pop()!;
  const half = heap.length >> 1;
  if (heap.length === 0) return head;
  let index = 0;
  while (index < half) {
    let child = 2 * index + 1;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return head;
}

/**
 * When panes fire or are purged. Windows of many keys end at the same time, so panes are kept in one bucket per time
 * and only the distinct times are in a heap: a pane costs a push, not a sift.
 */
import type { Pane } from "./pane.ts";

export class PaneTimers {
  readonly #buckets = new Map<number, Pane[]>();
  /** A binary heap of the distinct times. */
  readonly #times: number[] = [];

  add(timeMs: number, pane: Pane): void {
    const bucket = this.#buckets.get(timeMs);
    if (bucket !== undefined) {
      bucket.push(pane);
      return;
    }
    this.#buckets.set(timeMs, [pane]);
    this.#pushTime(timeMs);
  }

  /** The panes of the earliest time that is at most `timeMs`, in the order of their `seq`; undefined when none is due. */
  pollUntil(timeMs: number): readonly Pane[] | undefined {
    if (this.#times.length === 0 || this.#times[0]! > timeMs) return undefined;
    const due = this.#popTime();
    const panes = this.#buckets.get(due)!;
    this.#buckets.delete(due);
    return isOrdered(panes) ? panes : panes.sort((left, right) => left.seq - right.seq);
  }

  #pushTime(timeMs: number): void {
    const times = this.#times;
    let index = times.length;
    times.push(timeMs);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (times[parent]! <= timeMs) break;
      times[index] = times[parent]!;
      index = parent;
    }
    times[index] = timeMs;
  }

  #popTime(): number {
    const times = this.#times;
    const head = times[0]!;
    const last = times.pop()!;
    const half = times.length >> 1;
    if (times.length === 0) return head;
    let index = 0;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++;
      if (times[child]! >= last) break;
      times[index] = times[child]!;
      index = child;
    }
    times[index] = last;
    return head;
  }
}

function isOrdered(panes: readonly Pane[]): boolean {
  for (let index = 1; index < panes.length; index++) {
    if (panes[index - 1]!.seq > panes[index]!.seq) return false;
  }
  return true;
}

import type { KeyEntry } from "../../state/key-entry.ts";

/** Dropped records that stay in the arrays before they are cut off at once. */
const DROPPED_MAX = 32;

/**
 * The records of one side of one key that may still find partners, ordered by timestamp, then by arrival.
 *
 * Times lie in an array of their own, where they are plain doubles; beside its record each would be an object.
 * Positions run from `first` to the end of the arrays; what lies before `first` is dropped.
 */
export class JoinBuffer {
  readonly entry: KeyEntry;
  times: number[];
  values: unknown[];
  first = 0;
  /** How many watermarks the operator had seen when expired records were last dropped here. */
  trimmedAt: number;

  /** @param times - Rising, and not empty; the buffer keeps both arrays. */
  constructor(entry: KeyEntry, times: number[], values: unknown[], trimmedAt: number) {
    this.entry = entry;
    this.times = times;
    this.values = values;
    this.trimmedAt = trimmedAt;
  }

  get isEmpty(): boolean {
    return this.times.length === 0;
  }

  /** The timestamp of the newest record. Only when there is one. */
  get newestMs(): number {
    return this.times[this.times.length - 1]!;
  }

  add(value: unknown, timestampMs: number): void {
    const { times, values } = this;
    const length = times.length;
    times.push(timestampMs);
    values.push(value);
    if (length > this.first && times[length - 1]! > timestampMs) this.#moveLastBack(length - 1);
  }

  /** The first position at or after `timestampMs`. */
  firstFrom(timestampMs: number): number {
    const { times } = this;
    const first = this.first;
    // Usually everything that is kept is within the interval.
    if (first === times.length || times[first]! >= timestampMs) return first;
    let low = first + 1;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! < timestampMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first position after `timestampMs`. */
  firstAfter(timestampMs: number): number {
    const { times } = this;
    let at = this.first;
    while (at < times.length && times[at]! <= timestampMs) at++;
    return at;
  }

  /** Drops the records up to and including `untilMs`. */
  trim(untilMs: number): void {
    const { times, values } = this;
    const from = this.firstAfter(untilMs);
    if (from === times.length) {
      // Cheaper than to set their lengths.
      this.times = [];
      this.values = [];
      this.first = 0;
    } else if (from > DROPPED_MAX && from * 2 > times.length) {
      times.splice(0, from);
      values.splice(0, from);
      this.first = 0;
    } else {
      for (let at = this.first; at < from; at++) values[at] = undefined;
      this.first = from;
    }
  }

  // Records come nearly in order: the place of one that is late by a little is found sooner from the end.
  #moveLastBack(before: number): void {
    const { times, values, first } = this;
    const timestampMs = times[before + 1]!;
    const value = values[before + 1];
    let at = before;
    for (; at >= first && times[at]! > timestampMs; at--) {
      times[at + 1] = times[at]!;
      values[at + 1] = values[at];
    }
    times[at + 1] = timestampMs;
    values[at + 1] = value;
  }
}

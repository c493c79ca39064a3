/**
 * The records that an asynchronous operator has taken in and not yet emitted, with the watermarks between them.
 *
 * Pure: no clock, no promises; the operator says what has completed and emits what `drain` hands out.
 *
 * - A1. Nothing crosses a mark: what came before a watermark or a status leaves before it, everything else after it.
 * - A2. In an ordered queue records leave in the order they came; in an unordered one, between two marks, in the order in
 *   which they completed.
 * - A3. `records` are all that have not left, completed or not, in the order they came: the state of a checkpoint.
 */
import { invariant } from "../../base/errors.ts";

/** What a mark tells downstream: "active" leaves before the watermark and "idle" after it. */
export interface Mark {
  readonly watermarkMs?: number | undefined;
  readonly isIdle?: boolean | undefined;
}

export interface QueueOutput {
  emit(value: unknown, timestampMs: number): void;
  pass(mark: Mark): void;
}

/** A record in the queue. A link of its segment's list. */
export class InFlightRecord {
  readonly value: unknown;
  readonly timestampMs: number;
  /** Undefined until the record has completed. */
  results: readonly unknown[] | undefined = undefined;
  /** @internal */
  readonly segment: Segment;
  /** @internal */
  previous: InFlightRecord | undefined = undefined;
  /** @internal */
  next: InFlightRecord | undefined = undefined;

  constructor(value: unknown, timestampMs: number, segment: Segment) {
    this.value = value;
    this.timestampMs = timestampMs;
    this.segment = segment;
  }
}

/** What lies between two marks. */
class Segment {
  first: InFlightRecord | undefined = undefined;
  last: InFlightRecord | undefined = undefined;
  /** In the order of completion. */
  completed: InFlightRecord[] = [];
  /** What follows the records; undefined in the last segment, which takes more. */
  mark: Mark | undefined = undefined;

  append(record: InFlightRecord): void {
    record.previous = this.last;
    if (this.last === undefined) this.first = record;
    else this.last.next = record;
    this.last = record;
  }

  remove(record: InFlightRecord): void {
    if (record.previous === undefined) this.first = record.next;
    else record.previous.next = record.next;
    if (record.next === undefined) this.last = record.previous;
    else record.next.previous = record.previous;
  }
}

export class InFlightQueue {
  readonly #isOrdered: boolean;
  readonly #segments: Segment[] = [new Segment()];
  #size = 0;

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered;
  }

  /** Records that have not left. */
  get size(): number {
    return this.#size;
  }

  /** Whether `drain` would emit something. */
  get hasReady(): boolean {
    const first = this.#segments[0]!;
    return this.#isOrdered ? first.first?.results !== undefined : first.completed.length > 0;
  }

  /** A3. */
  *records(): Iterable<InFlightRecord> {
    for (const segment of this.#segments) {
      for (let record = segment.first; record !== undefined; record = record.next) yield record;
    }
  }

  put(value: unknown, timestampMs: number): InFlightRecord {
    const segment = this.#segments.at(-1)!;
    const record = new InFlightRecord(value, timestampMs, segment);
    segment.append(record);
    this.#size++;
    return record;
  }

  /** Keeps the mark until everything before it has left; false when nothing is before it, and it may pass at once. */
  hold(mark: Mark): boolean {
    if (this.#size === 0) return false;
    const last = this.#segments.at(-1)!;
    if (last.first === undefined) {
      // Nothing between two marks: one says it all, so that marks are never more than records.
      const before = this.#segments.at(-2);
      invariant(before?.mark !== undefined, "A1: an empty segment follows a mark");
      before.mark = merge(before.mark, mark);
      return true;
    }
    last.mark = mark;
    this.#segments.push(new Segment());
    return true;
  }

  complete(record: InFlightRecord, results: readonly unknown[]): void {
    invariant(record.results === undefined, "A2: a record completes once");
    record.results = results;
    if (!this.#isOrdered) record.segment.completed.push(record);
  }

  /** Hands out everything that may leave, in order. */
  drain(output: QueueOutput): void {
    for (;;) {
      const segment = this.#segments[0]!;
      if (this.#isOrdered) this.#drainOrdered(segment, output);
      else this.#drainCompleted(segment, output);
      if (segment.first !== undefined || segment.mark === undefined) return;
      this.#segments.shift();
      output.pass(segment.mark);
    }
  }

  #drainOrdered(segment: Segment, output: QueueOutput): void {
    for (let record = segment.first; record?.results !== undefined; record = record.next) {
      this.#leave(segment, record, output);
    }
  }

  #drainCompleted(segment: Segment, output: QueueOutput): void {
    const completed = segment.completed;
    segment.completed = [];
    for (const record of completed) this.#leave(segment, record, output);
  }

  #leave(segment: Segment, record: InFlightRecord, output: QueueOutput): void {
    segment.remove(record);
    this.#size--;
    for (const result of record.results!) output.emit(result, record.timestampMs);
  }
}

function merge(earlier: Mark, later: Mark): Mark {
  return {
    watermarkMs: later.watermarkMs ?? earlier.watermarkMs,
    isIdle: later.isIdle ?? earlier.isIdle,
  };
}

/**
 * What the tails of an iteration hand to its head, within one subtask of one attempt. Both are in the same thread; the
 * queue takes everything, because a tail that waited for the head would wait for itself.
 */
import { MillraceError } from "../../base/errors.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import type { OutputTag } from "../output-tag.ts";

/** So many records of one subtask wait for the head only when every turn of the loop makes more of them. */
const WAITING_RECORDS_MAX = 1_000_000;

export class FeedbackQueue {
  /** Set by the head: there is something to look at. */
  onChange: () => void = () => {};
  /** Set by the head: nothing is taken any more. */
  hasEnded = false;
  readonly #recordsMax: number;
  readonly #values: unknown[] = [];
  readonly #times: number[] = [];
  /** By tail. */
  readonly #watermarks: number[] = [];
  #read = 0;

  constructor(recordsMax: number = WAITING_RECORDS_MAX) {
    this.#recordsMax = recordsMax;
  }

  get size(): number {
    return this.#values.length - this.#read;
  }

  /** The lowest watermark that has come through the loop to all tails. */
  get watermarkMs(): number {
    return Math.min(MAX_WATERMARK, ...this.#watermarks);
  }

  /** @returns The tail's number, for {@link FeedbackQueue.onWatermark}. */
  addTail(): number {
    return this.#watermarks.push(MIN_WATERMARK) - 1;
  }

  onWatermark(tail: number, timestampMs: number): void {
    this.#watermarks[tail] = timestampMs;
    this.onChange();
  }

  /** @throws MillraceError `MR_ITERATION_OVERFLOW` */
  push(value: unknown, timestampMs: number): void {
    if (this.size >= this.#recordsMax) throw overflow(this.#recordsMax);
    this.#values.push(value);
    this.#times.push(timestampMs);
    if (this.size === 1) this.onChange();
  }

  /** Takes up to `max` records out, in the order in which they came; returns how many. */
  drain(max: number, take: (value: unknown, timestampMs: number) => void): number {
    const end = Math.min(this.#values.length, this.#read + max);
    const count = end - this.#read;
    // What is taken may come back at once: it is behind `end`.
    while (this.#read < end) {
      const at = this.#read++;
      take(this.#values[at], this.#times[at]!);
    }
    if (this.#read * 2 >= this.#values.length) {
      this.#values.splice(0, this.#read);
      this.#times.splice(0, this.#read);
      this.#read = 0;
    }
    return count;
  }
}

/** The queues of an iteration in one thread, found by both of its ends. */
export class FeedbackLoop {
  /**
   * By which output of the head feedback of another type than the input's leaves it; undefined: by that of the input. Set
   * while the pipeline is built.
   */
  feedbackTag: OutputTag<unknown> | undefined = undefined;
  readonly #queues = new Map<string, FeedbackQueue>();

  queueOf(host: OperatorHost): FeedbackQueue {
    const name = nameOf(host);
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = new FeedbackQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  release(host: OperatorHost): void {
    this.#queues.delete(nameOf(host));
  }
}

function nameOf({ context }: OperatorHost): string {
  return `${context.attemptNumber}/${context.indexOfThisSubtask}`;
}

function overflow(recordsMax: number): MillraceError {
  return new MillraceError("MR_ITERATION_OVERFLOW", {
    what: "An iteration feeds back more than its loop can take",
    found: `${recordsMax} records that wait to go through the loop again`,
    expected: "a loop that lets records out at last",
    todo: "Let the stream that is given to closeWith hold fewer records than came in, or raise the loop's parallelism",
  });
}

/**
 * Where an iteration begins: lets its input through, and what its tails feed back; by an output of its own when it has
 * another type.
 *
 * - I1. Watermarks come from the input only; what is fed back keeps its timestamp and may be late, as in Flink.
 * - I2. While many records wait to go around, the input has to wait: the loop empties before it takes more.
 * - I3. After the end of input the head ends when nothing has been fed back for `maxWaitMs`; without a wait time when the
 *   loop is empty, see `quiet-rounds.ts`.
 * - I4. What goes around is in no checkpoint: it is lost when the job fails.
 */
import { MAX_WATERMARK } from "../../time/timestamps.ts";
import type { SideEmitter } from "../keyed-context.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type { OperatorWaiting } from "../waiting.ts";
import type { FeedbackLoop, FeedbackQueue } from "./feedback-queue.ts";
import { QuietRounds } from "./quiet-rounds.ts";

/** Records that may wait for the head before the input has to. */
const WAITING_BEFORE_INPUT_MAX = 1024;
/** Records that the head takes from the queue before others have their turn. */
const TURN_RECORDS_MAX = 256;

export class IterationHead extends StreamOperator {
  override readonly holdsWatermarks: boolean = true;
  readonly #loop: FeedbackLoop;
  readonly #queue: FeedbackQueue;
  readonly #maxWaitMs: number | undefined;
  readonly #feedBack: SideEmitter;
  #rounds: QuietRounds | undefined;
  #hasInputEnded = false;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(host: OperatorHost, loop: FeedbackLoop, maxWaitMs: number | undefined) {
    super(host);
    const { feedbackTag } = loop;
    this.#feedBack =
      feedbackTag === undefined
        ? (value, timestampMs) => this.emit(value, timestampMs)
        : (value, timestampMs) => {
            this.context.timestamp = timestampMs;
            this.context.output(feedbackTag, value);
          };
    this.#loop = loop;
    this.#queue = loop.queueOf(host);
    this.#maxWaitMs = maxWaitMs;
  }

  override open(): void {
    this.#queue.onChange = this.host.wake;
    if (this.currentWatermark === MAX_WATERMARK) this.#onEndOfInput();
  }

  processElement(value: unknown, timestampMs: number): void {
    this.emit(value, timestampMs);
  }

  override onWatermark(timestampMs: number): void {
    if (timestampMs < MAX_WATERMARK) this.#announce(timestampMs);
    else this.#onEndOfInput();
  }

  override onProcessingTime(timeMs: number): void {
    const taken = this.#queue.drain(TURN_RECORDS_MAX, this.#feedBack);
    if (taken > 0) this.#onFeedback();
    if (this.#queue.size > 0) this.host.wake();
    else if (timeMs >= this.#endsAtMs) this.#end();
    else if (this.#rounds?.isDue(this.#queue.watermarkMs) === true) this.#nextRound(this.#rounds);
  }

  override nextProcessingTimeMs(): number {
    const isRoundDue = this.#rounds?.isDue(this.#queue.watermarkMs) === true;
    return this.#queue.size > 0 || isRoundDue ? Number.NEGATIVE_INFINITY : this.#endsAtMs;
  }

  override describeWaiting(): OperatorWaiting {
    const { size: waiting, hasEnded } = this.#queue;
    return hasEnded || !(this.#hasInputEnded || waiting > 0)
      ? {}
      : { loop: { waiting, hasInputEnded: this.#hasInputEnded } };
  }

  override hasPending(): boolean {
    return !this.#queue.hasEnded;
  }

  override whenAvailable(): Promise<void> | undefined {
    if (this.#queue.size < WAITING_BEFORE_INPUT_MAX) return undefined;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  override async close(): Promise<void> {
    this.#loop.release(this.host);
  }

  #onFeedback(): void {
    this.#rounds?.onFeedback();
    if (this.#hasInputEnded && this.#maxWaitMs !== undefined) this.#waitUntilQuiet(this.#maxWaitMs);
    if (this.#room === undefined || this.#queue.size >= WAITING_BEFORE_INPUT_MAX) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #onEndOfInput(): void {
    this.#hasInputEnded = true;
    if (this.#maxWaitMs !== undefined) {
      this.#waitUntilQuiet(this.#maxWaitMs);
      this.#announce(MAX_WATERMARK);
    } else if (this.currentWatermark === MAX_WATERMARK) {
      // The loop had been found empty before the checkpoint that this attempt continues from.
      this.#queue.hasEnded = true;
    } else {
      this.#rounds = new QuietRounds(this.host.context.numberOfParallelSubtasks, this.currentWatermark);
    }
    this.host.wake();
  }

  #waitUntilQuiet(maxWaitMs: number): void {
    this.#endsAtMs = this.host.clock.wallMs() + maxWaitMs;
  }

  #nextRound(rounds: QuietRounds): void {
    const watermarkMs = rounds.next(this.#queue.watermarkMs);
    if (watermarkMs === MAX_WATERMARK) this.#end();
    else this.#announce(watermarkMs);
  }

  #end(): void {
    this.#queue.hasEnded = true;
    this.#rounds = undefined;
    this.#endsAtMs = Number.POSITIVE_INFINITY;
    this.#announce(MAX_WATERMARK);
    this.host.wake();
  }

  #announce(timestampMs: number): void {
    if (timestampMs <= this.currentWatermark) return;
    this.currentWatermark = timestampMs;
    this.passWatermark(timestampMs);
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

import type { Counter } from "../../metrics/counter.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type { FeedbackLoop, FeedbackQueue } from "./feedback-queue.ts";

/** Where an iteration's records go back to its head. What comes after the head has ended is dropped and counted. */
export class IterationTail extends StreamOperator {
  readonly #queue: FeedbackQueue;
  readonly #number: number;
  readonly #dropped: Counter;

  constructor(host: OperatorHost, loop: FeedbackLoop) {
    super(host);
    this.#queue = loop.queueOf(host);
    this.#number = this.#queue.addTail();
    this.#dropped = host.context.metricGroup.counter("numFeedbackRecordsDropped");
  }

  processElement(value: unknown, timestampMs: number): void {
    if (this.#queue.hasEnded) this.#dropped.inc();
    else this.#queue.push(value, timestampMs);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    this.#queue.onWatermark(this.#number, timestampMs);
  }
}

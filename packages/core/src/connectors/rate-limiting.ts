/** How much an asynchronous sink may have on its way at once. Pure: no clock, no I/O. */

/** Decides when an asynchronous sink may send its next batch. One per writer; told of every request. @public */
export interface RateLimitingStrategy {
  registerInFlightRequest(batchSize: number): void;
  /** @param failedCount - How many entries of the batch have to be sent again. */
  registerCompletedRequest(batchSize: number, failedCount: number): void;
  shouldBlock(batchSize: number): boolean;
  /** The largest batch that may be sent at the moment, at least 1. */
  getMaxBatchSize(): number;
}

/** How fast a rate grows while requests succeed, and how far it falls when one fails. @public */
export interface AimdOptions {
  /** The rate that is never exceeded. */
  readonly rateThreshold: number;
  /** Added after a success; 10 by default, as in Flink. */
  readonly increaseRate?: number;
  /** What a failure leaves of the rate, between 0 and 1; 0.5 by default, as in Flink. */
  readonly decreaseFactor?: number;
}

/**
 * Additive increase, multiplicative decrease: feels its way up to what a service takes, and gives way quickly.
 *
 * @see Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989.
 * @public
 */
export class AIMDScalingStrategy {
  readonly #rateThreshold: number;
  readonly #increaseRate: number;
  readonly #decreaseFactor: number;

  constructor({ rateThreshold, increaseRate = 10, decreaseFactor = 0.5 }: AimdOptions) {
    this.#rateThreshold = rateThreshold;
    this.#increaseRate = increaseRate;
    this.#decreaseFactor = decreaseFactor;
  }

  scaleUp(rate: number): number {
    return Math.min(rate + this.#increaseRate, this.#rateThreshold);
  }

  scaleDown(rate: number): number {
    return Math.max(1, Math.min(this.#rateThreshold, Math.round(rate * this.#decreaseFactor)));
  }
}

/** What a strategy that adapts its rate to failures may be told. @public */
export interface CongestionControlOptions {
  readonly maxInFlightRequests: number;
  readonly initialMaxInFlightMessages: number;
  readonly scalingStrategy: AIMDScalingStrategy;
}

/** Limits requests, and entries on their way by what the service has taken so far. @public */
export class CongestionControlRateLimitingStrategy implements RateLimitingStrategy {
  readonly #options: CongestionControlOptions;
  #maxInFlightMessages: number;
  #inFlightRequests = 0;
  #inFlightMessages = 0;

  constructor(options: CongestionControlOptions) {
    this.#options = options;
    this.#maxInFlightMessages = options.initialMaxInFlightMessages;
  }

  registerInFlightRequest(batchSize: number): void {
    this.#inFlightRequests++;
    this.#inFlightMessages += batchSize;
  }

  registerCompletedRequest(batchSize: number, failedCount: number): void {
    this.#inFlightRequests--;
    this.#inFlightMessages -= batchSize;
    const { scalingStrategy } = this.#options;
    this.#maxInFlightMessages =
      failedCount > 0
        ? scalingStrategy.scaleDown(this.#maxInFlightMessages)
        : scalingStrategy.scaleUp(this.#maxInFlightMessages);
  }

  shouldBlock(batchSize: number): boolean {
    return (
      this.#inFlightRequests >= this.#options.maxInFlightRequests ||
      this.#inFlightMessages + batchSize > this.#maxInFlightMessages
    );
  }

  getMaxBatchSize(): number {
    return this.#maxInFlightMessages;
  }
}

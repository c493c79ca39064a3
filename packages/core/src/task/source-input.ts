import type { InputStatus } from "../connectors/source.ts";
import type { SourceOperator } from "../operators/source-operator.ts";
import type { Clock } from "../platform/platform.ts";
import type { Chain } from "./chain.ts";
import { TakeSize } from "./take-size.ts";

/**
 * One source of a subtask: polled while it has records, waited for while it has none, idle when that takes too long.
 *
 * A batch goes through the chain in slices that are as long as the functions are fast. Its watermark follows when all of it
 * has, and nothing is snapshotted before: so what a job does with its records does not depend on how fast it is.
 */
export class SourceInput {
  readonly #operator: SourceOperator;
  readonly #clock: Clock;
  readonly #idlenessMs: number | undefined;
  readonly #watermarkIntervalMs: number | undefined;
  readonly #onAvailable: () => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #slice: TakeSize;
  #isInBatch = false;
  #status: InputStatus = "more-available";
  #isWaiting = false;
  #hasEnded = false;
  #isIdle = false;
  #lastRecordMonoMs: number;
  #lastAskedMonoMs: number;

  constructor(
    operator: SourceOperator,
    clock: Clock,
    watermarkIntervalMs: number,
    onAvailable: () => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#operator = operator;
    this.#clock = clock;
    this.#idlenessMs = operator.idlenessMs;
    this.#watermarkIntervalMs =
      operator.hasPeriodicGenerator && watermarkIntervalMs > 0 ? watermarkIntervalMs : undefined;
    this.#onAvailable = onAvailable;
    this.#onFailed = onFailed;
    this.#slice = new TakeSize(clock);
    this.#lastRecordMonoMs = clock.monoMs();
    this.#lastAskedMonoMs = this.#lastRecordMonoMs;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Monotonic ms at which something is due without records: idleness, or a question to a periodic generator. */
  nextDueMonoMs(): number {
    const isAsked = this.#watermarkIntervalMs !== undefined && !this.#hasEnded;
    const asked = isAsked ? this.#lastAskedMonoMs + this.#watermarkIntervalMs : Number.POSITIVE_INFINITY;
    return Math.min(asked, this.#idleDueMonoMs());
  }

  #idleDueMonoMs(): number {
    if (this.#idlenessMs === undefined || this.#isIdle || this.#hasEnded) return Number.POSITIVE_INFINITY;
    return this.#lastRecordMonoMs + this.#idlenessMs;
  }

  /** Whether a part of a batch has not been through the chain: the reader is ahead of the chain then. */
  get isInBatch(): boolean {
    return this.#isInBatch;
  }

  /** Takes one batch, or a slice of it, through the chain; true when there was something to do. */
  poll(chain: Chain): boolean {
    if (this.#hasEnded) return false;
    if (this.#isWaiting) {
      this.#checkIdle(chain);
      this.#askGenerators(chain);
      return false;
    }
    if (!this.#isInBatch) {
      this.#status = this.#operator.poll();
      if (this.#operator.batch.length > 0) this.#onRecords(chain);
    }
    this.#isInBatch = !this.#slice.measure((recordsMax) => this.#operator.processSlice(recordsMax));
    return this.#isInBatch || this.#afterBatch(chain, this.#status);
  }

  #afterBatch(chain: Chain, status: InputStatus): boolean {
    chain.afterSourceBatch(this.#operator);
    if (status === "end-of-input") {
      this.#hasEnded = true;
      chain.onSourceFinished(this.#operator);
      return true;
    }
    if (status === "nothing-available") this.#waitForMore();
    return status === "more-available" || this.#operator.batch.length > 0;
  }

  #onRecords(chain: Chain): void {
    if (this.#idlenessMs === undefined) return;
    this.#lastRecordMonoMs = this.#clock.monoMs();
    if (!this.#isIdle) return;
    this.#isIdle = false;
    chain.onSourceIdle(this.#operator, false);
  }

  #checkIdle(chain: Chain): void {
    if (this.#clock.monoMs() < this.#idleDueMonoMs()) return;
    this.#isIdle = true;
    chain.onSourceIdle(this.#operator, true);
  }

  #askGenerators(chain: Chain): void {
    if (this.#watermarkIntervalMs === undefined) return;
    const now = this.#clock.monoMs();
    if (now < this.#lastAskedMonoMs + this.#watermarkIntervalMs) return;
    this.#lastAskedMonoMs = now;
    chain.afterSourceBatch(this.#operator);
  }

  #waitForMore(): void {
    this.#isWaiting = true;
    this.#operator.reader.isAvailable().then(() => {
      this.#isWaiting = false;
      this.#onAvailable();
    }, this.#onFailed);
  }
}

import type { InputStatus } from "../connectors/source.ts";
import type { ReaderReport } from "../graph/stall/job-report.ts";
import type { SourceOperator } from "../operators/source-operator.ts";
import type { Clock } from "../platform/platform.ts";
import type { Chain } from "./chain.ts";
import { TakeSize } from "./take-size.ts";

/**
 * One source of a subtask: polled while it has records, waited for while it has none, idle when that takes too long, left
 * alone while it is too far ahead of the sources it is aligned with.
 *
 * A batch goes through the chain in slices that are as long as the functions are fast. Its watermark follows when all of it
 * has, and nothing is snapshotted before: so what a job does with its records does not depend on how fast it is.
 */
export class SourceInput {
  readonly #operator: SourceOperator;
  readonly #clock: Clock;
  /** What happens without records happens this often; Infinity: never. */
  readonly #intervalMs: number;
  readonly #onAvailable: () => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #slice: TakeSize;
  #isInBatch = false;
  #status: InputStatus = "more-available";
  #isWaiting = false;
  #hasEnded = false;
  #lastAskedMonoMs: number;
  #idleDueMonoMs = Number.POSITIVE_INFINITY;

  constructor(
    operator: SourceOperator,
    clock: Clock,
    watermarkIntervalMs: number,
    onAvailable: () => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#operator = operator;
    this.#clock = clock;
    const isAsked = operator.hasPeriodicGenerator && watermarkIntervalMs > 0;
    this.#intervalMs = Math.min(
      isAsked ? watermarkIntervalMs : Number.POSITIVE_INFINITY,
      operator.reportIntervalMs ?? Number.POSITIVE_INFINITY,
    );
    this.#onAvailable = onAvailable;
    this.#onFailed = onFailed;
    this.#slice = new TakeSize(clock);
    this.#lastAskedMonoMs = clock.monoMs();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Monotonic ms at which something is due without records: idleness, or a question to a periodic generator. */
  nextDueMonoMs(): number {
    if (this.#hasEnded) return Number.POSITIVE_INFINITY;
    return Math.min(this.#lastAskedMonoMs + this.#intervalMs, this.#idleDueMonoMs);
  }

  /** Whether a part of a batch has not been through the chain: the reader is ahead of the chain then. */
  get isInBatch(): boolean {
    return this.#isInBatch;
  }

  /** How the source is, for whoever asks why nothing comes of it. */
  describe(): Pick<ReaderReport, "splits" | "isIdle" | "isAligning" | "allowedMs" | "isWaiting" | "hasEnded"> {
    return { ...this.#operator.describe(), isWaiting: this.#isWaiting, hasEnded: this.#hasEnded };
  }

  /** Takes one batch, or a slice of it, through the chain; true when there was something to do. */
  poll(chain: Chain): boolean {
    if (this.#hasEnded) return false;
    if (!this.#isInBatch && (this.#isWaiting || this.#operator.isAligning)) {
      this.#operator.setRead(!this.#operator.isAligning);
      return this.#onSilence(chain);
    }
    if (!this.#isInBatch) {
      this.#operator.setRead(true);
      this.#status = this.#operator.poll();
    }
    this.#isInBatch = !this.#slice.measure((recordsMax) => this.#operator.processSlice(recordsMax));
    return this.#isInBatch || this.#afterBatch(chain, this.#status);
  }

  #afterBatch(chain: Chain, status: InputStatus): boolean {
    chain.afterSourceBatch(this.#operator);
    if (status === "end-of-input") return this.end(chain);
    if (status === "nothing-available") this.#waitForMore();
    return status === "more-available" || this.#operator.batch.length > 0;
  }

  /** Ends the source where it is, between two batches, as if it had no more records; false when it had ended before. */
  end(chain: Chain): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    chain.onSourceFinished(this.#operator);
    return true;
  }

  /** Outputs are full or a barrier is waited for: that the source says nothing is not its fault. */
  leave(): void {
    if (this.#hasEnded) return;
    this.#operator.setRead(false);
    this.#idleDueMonoMs = Number.POSITIVE_INFINITY;
  }

  /** True when something was due: what it has sent has to be taken by others before the loop sleeps. */
  #onSilence(chain: Chain): boolean {
    const now = this.#clock.monoMs();
    // Known again after the source was left alone.
    this.#idleDueMonoMs = this.#operator.nextIdleMonoMs();
    if (now < this.nextDueMonoMs()) return false;
    this.#lastAskedMonoMs = now;
    chain.afterSourceBatch(this.#operator);
    this.#idleDueMonoMs = this.#operator.nextIdleMonoMs();
    return true;
  }

  #waitForMore(): void {
    this.#isWaiting = true;
    this.#lastAskedMonoMs = this.#clock.monoMs();
    this.#idleDueMonoMs = this.#operator.nextIdleMonoMs();
    this.#operator.reader.isAvailable().then(() => {
      this.#isWaiting = false;
      this.#onAvailable();
    }, this.#onFailed);
  }
}

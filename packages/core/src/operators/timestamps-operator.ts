import { BaseOperator, type OperatorHost } from "./operator-runtime.ts";
import type { TimestampsSpec } from "./operator-spec.ts";
import { SplitTracker } from "./split-watermarks.ts";

export interface TimestampsHost extends OperatorHost {
  /** `pipeline.auto-watermark-interval`; 0: never while there are no records. */
  readonly watermarkIntervalMs: number;
}

/**
 * Assigns timestamps in the middle of a pipeline. Watermarks and idleness from upstream are replaced by its own, as in
 * Flink, except the last watermark, which says that the input has ended.
 */
export class TimestampsOperator extends BaseOperator {
  override readonly holdsStatus: boolean = true;
  readonly tracker: SplitTracker;
  /** Set by the chain: the generator has emitted a watermark for the record that has just gone through. */
  onEventWatermark: () => void = () => {};
  readonly #hasIdleness: boolean;
  /** Infinity: a generator is not asked while there are no records. */
  readonly #intervalMs: number;
  #askedMonoMs: number;
  #isIdle = false;

  constructor(host: TimestampsHost, spec: TimestampsSpec) {
    super(host);
    this.#askedMonoMs = host.clock.monoMs();
    this.tracker = new SplitTracker(spec.strategy, this.#askedMonoMs);
    this.#hasIdleness = spec.strategy.idlenessMs !== undefined;
    const isPeriodic = spec.strategy.kind === "custom" && host.watermarkIntervalMs > 0;
    this.#intervalMs = isPeriodic ? host.watermarkIntervalMs : Number.POSITIVE_INFINITY;
  }

  /** Called by generated code before a record goes on, when the strategy has an idle time. */
  noteRecord(): void {
    this.tracker.onRecords();
    if (this.#isIdle) this.#setIdle(false);
  }

  askGenerator(): void {
    this.#askedMonoMs = this.host.clock.monoMs();
    this.tracker.askGenerator();
    this.#updateIdle();
  }

  takeEventWatermark(): number {
    this.tracker.hasAdvanced = false;
    return this.tracker.watermarkMs();
  }

  override nextProcessingTimeMs(): number {
    const { clock } = this.host;
    const idleAt = this.#hasIdleness && !this.#isIdle ? this.tracker.idleAtMonoMs : undefined;
    const due = Math.min(this.#askedMonoMs + this.#intervalMs, idleAt ?? Number.POSITIVE_INFINITY);
    // Both are measured on the clock that nobody sets; the loop asks by the other one.
    return due === Number.POSITIVE_INFINITY ? due : clock.wallMs() + (due - clock.monoMs());
  }

  /** What the generator says, and a watermark it emits, follows at the end of the turn. */
  override onProcessingTime(): void {
    this.#updateIdle();
  }

  #updateIdle(): void {
    const isIdle = this.tracker.updateIdle(this.host.clock.monoMs());
    if (isIdle !== this.#isIdle) this.#setIdle(isIdle);
  }

  #setIdle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    this.passStatus(isIdle);
  }
}

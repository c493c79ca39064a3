/** One operator of a running chain, with what watermarks and idleness need: they pass operator by operator. */
import type { RecordWriter } from "../exchange/record-writer.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { BaseOperator } from "../operators/operator-runtime.ts";
import { TimestampsOperator } from "../operators/timestamps-operator.ts";
import { MAX_WATERMARK } from "../time/timestamps.ts";
import { type ValveChange, type ValveChannel, WatermarkValve } from "../time/watermark-valve.ts";

export class ChainNode {
  readonly plan: ChainedOperator;
  readonly operator: BaseOperator;
  /** One channel an input of the operator; a source has one for itself. */
  readonly #valve: WatermarkValve;
  readonly #targets: { readonly node: ChainNode; readonly slot: number }[] = [];
  readonly #writers: RecordWriter[] = [];

  constructor(plan: ChainedOperator, operator: BaseOperator) {
    this.plan = plan;
    this.operator = operator;
    this.#valve = new WatermarkValve(Math.max(plan.inputs.length, 1));
    operator.passWatermark = (timestampMs) => this.#forward(timestampMs);
    operator.passStatus = (isIdle) => this.#forwardStatus(isIdle ? "idle" : "active");
  }

  /** The inputs that watermarks come from, by the plan; a source has none. */
  get inputs(): readonly ValveChannel[] {
    return this.#valve.describe().slice(0, this.plan.inputs.length);
  }

  /** Watermarks that leave this operator reach input `slot` of `node`. */
  connect(node: ChainNode, slot: number): void {
    this.#targets.push({ node, slot });
  }

  connectWriter(writer: RecordWriter): void {
    this.#writers.push(writer);
  }

  onWatermark(slot: number, timestampMs: number): void {
    this.#apply(this.#valve.onWatermark(slot, timestampMs));
  }

  onIdle(slot: number): void {
    this.#apply(this.#valve.onIdle(slot));
  }

  onActive(slot: number): void {
    this.#apply(this.#valve.onActive(slot));
  }

  /** The input has ended: it holds nothing back any more. */
  onFinished(slot: number): void {
    this.#apply(this.#valve.onFinished(slot));
  }

  /**
   * Continues from the watermark of a checkpoint; nothing fires, downstream is told. Within the chain, too: an input that had
   * ended, or that waits, says nothing more, and an operator with several inputs would wait for it for ever.
   */
  restoreWatermark(timestampMs: number): void {
    this.operator.currentWatermark = timestampMs;
    this.#forward(timestampMs);
  }

  /** Sends a watermark that this operator made itself. Timers of the operators below fire before it leaves them. */
  emitWatermark(timestampMs: number): void {
    if (timestampMs <= this.operator.currentWatermark) return;
    this.operator.onWatermark(timestampMs);
    if (!this.operator.holdsWatermarks) this.#forward(timestampMs);
  }

  #apply(change: ValveChange): void {
    if (change.status === "active") this.#onStatus(false);
    if (change.watermarkMs !== undefined && this.#takesWatermark(change.watermarkMs))
      this.emitWatermark(change.watermarkMs);
    if (change.status === "idle") this.#onStatus(true);
  }

  #onStatus(isIdle: boolean): void {
    if (this.operator.holdsStatus) this.operator.onStatus(isIdle);
    else this.#forwardStatus(isIdle ? "idle" : "active");
  }

  // An operator that assigns timestamps replaces the watermarks from upstream, but not the end of input.
  #takesWatermark(timestampMs: number): boolean {
    return !(this.operator instanceof TimestampsOperator) || timestampMs === MAX_WATERMARK;
  }

  #forward(timestampMs: number): void {
    for (const target of this.#targets) target.node.onWatermark(target.slot, timestampMs);
    for (const writer of this.#writers) writer.broadcastEvent({ kind: "watermark", timestampMs });
  }

  #forwardStatus(kind: "idle" | "active"): void {
    for (const target of this.#targets) {
      if (kind === "idle") target.node.onIdle(target.slot);
      else target.node.onActive(target.slot);
    }
    for (const writer of this.#writers) writer.broadcastEvent({ kind });
  }
}

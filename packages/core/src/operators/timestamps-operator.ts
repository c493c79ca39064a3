import { BaseOperator, type OperatorHost } from "./operator-runtime.ts";
import type { TimestampsSpec } from "./operator-spec.ts";
import { SplitTracker } from "./split-watermarks.ts";

/**
 * Assigns timestamps in the middle of a pipeline. Watermarks from upstream are replaced by its own, except the last
 * one, which says that the input has ended.
 */
export class TimestampsOperator extends BaseOperator {
  readonly tracker: SplitTracker;

  constructor(host: OperatorHost, spec: TimestampsSpec) {
    super(host);
    this.tracker = new SplitTracker(spec.strategy);
  }

  /** The watermark after the records so far, undefined when it has not advanced. */
  advancedWatermarkMs(): number | undefined {
    const watermark = this.tracker.watermarkMs();
    return watermark > this.currentWatermark ? watermark : undefined;
  }
}

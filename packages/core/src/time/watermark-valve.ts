/**
 * Combines the watermarks and the statuses of several input channels into those of the operator behind them.
 *
 * Pure: no clock, no I/O; the task delivers the events and forwards what changed.
 *
 * - V1. The combined watermark never goes back.
 * - V2. With active channels it advances to the minimum over them; idle and finished channels neither hold it back nor
 *   push it.
 * - V3. When every channel that has not finished is idle, the valve is idle. The watermark has then advanced to the
 *   highest of those channels, as in Flink, so that it does not depend on the order in which they fell idle.
 * - V4. When every channel has finished, the watermark is `MAX_WATERMARK` and the valve is not idle.
 * - V5. A finished channel stays finished. `MAX_WATERMARK` on a channel says the same as its end: no record follows.
 * - V6. A channel's own watermark never goes back. That of an idle channel is kept for when it is active again; a channel
 *   that comes back behind the combined watermark holds that where it is until it has caught up.
 */
import { invariant } from "../base/errors.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "./timestamps.ts";

/** What one channel is doing: may send records, has nothing to say for now, or has ended. @internal */
export type ChannelStatus = "active" | "idle" | "finished";

/** How one channel is; the watermark of a finished one is the last that came before its end. @internal */
export interface ValveChannel {
  readonly status: ChannelStatus;
  readonly watermarkMs: number;
}

/**
 * What an event changed. Forward "active" before the watermark and "idle" after it.
 * @internal
 */
export interface ValveChange {
  /** The new combined watermark, undefined when it has not advanced. */
  readonly watermarkMs: number | undefined;
  /** The new combined status, undefined when it is what it was. */
  readonly status: "active" | "idle" | undefined;
}

const NO_CHANGE: ValveChange = { watermarkMs: undefined, status: undefined };

/** @internal */
export class WatermarkValve {
  readonly #watermarks: number[];
  readonly #statuses: ChannelStatus[];
  #current: number = MIN_WATERMARK;
  #isIdle = false;

  constructor(channelCount: number) {
    invariant(channelCount >= 1, `V2: a valve needs at least one channel, not ${channelCount}`);
    this.#watermarks = Array.from({ length: channelCount }, () => MIN_WATERMARK);
    this.#statuses = Array.from({ length: channelCount }, () => "active" as const);
  }

  /** The combined watermark, `MIN_WATERMARK` before the first. */
  get current(): number {
    return this.#current;
  }

  /** Whether nothing can be expected from the channels for now. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** How every channel is. */
  describe(): readonly ValveChannel[] {
    return this.#statuses.map((status, channel) => ({ status, watermarkMs: this.#watermarks[channel]! }));
  }

  onWatermark(channel: number, timestampMs: number): ValveChange {
    const status = this.#statusOf(channel);
    const before = this.#watermarks[channel]!;
    if (status === "finished" || timestampMs <= before) return NO_CHANGE;
    if (timestampMs >= MAX_WATERMARK) return this.onFinished(channel);
    this.#watermarks[channel] = timestampMs;
    // An active channel ahead of the combined watermark is not the one that holds it back.
    if (status === "active" && before > this.#current) return NO_CHANGE;
    return this.#combine();
  }

  onIdle(channel: number): ValveChange {
    return this.#become(channel, "idle");
  }

  onActive(channel: number): ValveChange {
    return this.#become(channel, "active");
  }

  /** The channel has ended: nothing follows on it. */
  onFinished(channel: number): ValveChange {
    return this.#become(channel, "finished");
  }

  /** Continues from the watermark of a checkpoint: nothing at or before it is announced again (V1). */
  restore(currentWatermarkMs: number): void {
    if (currentWatermarkMs > this.#current) this.#current = currentWatermarkMs;
  }

  #become(channel: number, status: ChannelStatus): ValveChange {
    const before = this.#statusOf(channel);
    if (before === "finished" || before === status) return NO_CHANGE;
    this.#statuses[channel] = status;
    return this.#combine();
  }

  #statusOf(channel: number): ChannelStatus {
    const status = this.#statuses[channel];
    invariant(status !== undefined, `V2: channel ${channel} of ${this.#statuses.length} does not exist`);
    return status;
  }

  #combine(): ValveChange {
    let activeCount = 0;
    let idleCount = 0;
    let activeMin = MAX_WATERMARK;
    let idleMax = MIN_WATERMARK;
    for (let channel = 0; channel < this.#statuses.length; channel++) {
      const watermark = this.#watermarks[channel]!;
      const status = this.#statuses[channel]!;
      if (status === "active") {
        activeCount++;
        if (watermark < activeMin) activeMin = watermark;
      } else if (status === "idle") {
        idleCount++;
        if (watermark > idleMax) idleMax = watermark;
      }
    }
    // activeMin is MAX_WATERMARK when there is no channel left (V4).
    const isIdle = activeCount === 0 && idleCount > 0;
    return this.#advance(isIdle ? idleMax : activeMin, isIdle);
  }

  #advance(combined: number, isIdle: boolean): ValveChange {
    const hasAdvanced = combined > this.#current;
    const hasTurned = isIdle !== this.#isIdle;
    if (!hasAdvanced && !hasTurned) return NO_CHANGE;
    if (hasAdvanced) this.#current = combined;
    this.#isIdle = isIdle;
    return {
      watermarkMs: hasAdvanced ? combined : undefined,
      status: hasTurned ? (isIdle ? "idle" : "active") : undefined,
    };
  }
}

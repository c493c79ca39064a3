import type { ChannelReader } from "../exchange/channel.ts";
import type { ChannelReport, InputReport } from "../graph/stall/job-report.ts";
import { type ValveChange, WatermarkValve } from "../time/watermark-valve.ts";

/** How a gate is; its host knows where its channels come from. */
export interface InputGateReport extends InputReport {
  readonly channels: readonly Omit<ChannelReport, "producer">[];
}

/** What a gate's channels say together has changed. */
export interface GateListener {
  onWatermark(timestampMs: number): void;
  onIdle(isIdle: boolean): void;
  /** Every channel has ended. */
  onEnd(): void;
}

/** The channels of one edge at one consuming subtask, with the watermark and the status they have in common. */
export class InputGate {
  readonly channels: readonly ChannelReader[];
  readonly blocked: boolean[];
  readonly #valve: WatermarkValve;
  readonly #ended: boolean[];
  readonly #listener: GateListener;
  #openCount: number;

  constructor(channels: readonly ChannelReader[], listener: GateListener) {
    this.channels = channels;
    this.blocked = channels.map(() => false);
    this.#ended = channels.map(() => false);
    this.#valve = new WatermarkValve(channels.length);
    this.#listener = listener;
    this.#openCount = channels.length;
  }

  get hasEnded(): boolean {
    return this.#openCount === 0;
  }

  /** How the gate is, for whoever asks why nothing comes out. */
  describe(): InputGateReport {
    const status = this.hasEnded ? "finished" : this.#valve.isIdle ? "idle" : "active";
    const channels = this.#valve.describe().map((channel, index) => ({
      ...channel,
      isBlocked: this.blocked[index]!,
      hasNext: this.channels[index]!.hasNext,
    }));
    return { status, watermarkMs: this.#valve.current, channels };
  }

  onWatermark(channel: number, timestampMs: number): void {
    this.#apply(this.#valve.onWatermark(channel, timestampMs));
  }

  onStatus(channel: number, isIdle: boolean): void {
    this.#apply(isIdle ? this.#valve.onIdle(channel) : this.#valve.onActive(channel));
  }

  onEnd(channel: number): void {
    if (this.#ended[channel] === true) return;
    this.#ended[channel] = true;
    this.#openCount--;
    this.#apply(this.#valve.onFinished(channel));
    if (this.#openCount === 0) this.#listener.onEnd();
  }

  unblockAll(): void {
    this.blocked.fill(false);
  }

  #apply(change: ValveChange): void {
    if (change.status === "active") this.#listener.onIdle(false);
    if (change.watermarkMs !== undefined) this.#listener.onWatermark(change.watermarkMs);
    if (change.status === "idle") this.#listener.onIdle(true);
  }
}

/** The channels of one job that leave the process, on the process's wires. */
import { Doorbell } from "../../exchange/doorbell.ts";
import { RingConsumer, RingProducer } from "../../exchange/ring.ts";
import type { WireEndpoint } from "../../exchange/wire/wire-endpoint.ts";
import type { WireDeployment, WireEnd } from "../../exchange/wire/wire-ends.ts";
import type { Bells } from "../../platform/platform.ts";
import type { ChannelWire, WiredChannel } from "./channel-wire.ts";

export interface JobWireOptions {
  readonly endpoint: WireEndpoint;
  readonly jobId: string;
  /**
   * Which run of the job's JobMaster deploys: the same text in all processes, another one when a JobManager takes over and
   * may count attempts from the beginning.
   */
  readonly session: string;
  readonly bells: Bells;
}

export class JobWire implements ChannelWire {
  readonly #options: JobWireOptions;
  /** The wire's own, by the memory they are in. A job has one. */
  readonly #bells = new Map<SharedArrayBuffer, Doorbell>();

  constructor(options: JobWireOptions) {
    this.#options = options;
  }

  connect(
    channels: readonly WiredChannel[],
    doorbells: SharedArrayBuffer,
    wireBell: number,
    onBroken: (channel: WiredChannel, error: Error) => void,
  ): void {
    this.#listenTo(doorbells, wireBell);
    // One failure is enough to fail the attempt, however many processes it has lost.
    let isBroken = false;
    const byPeer = new Map<string, Map<WireEnd, WiredChannel>>();
    for (const channel of channels) {
      const ends = byPeer.get(channel.peerAddress) ?? new Map<WireEnd, WiredChannel>();
      byPeer.set(channel.peerAddress, ends.set(this.#endOf(channel, doorbells), channel));
    }
    for (const [peer, ends] of byPeer) {
      const [{ deploymentNumber }] = [...ends.values()] as [WiredChannel];
      this.#options.endpoint.connect(peer, {
        deployment: this.#deployment(deploymentNumber),
        ends: [...ends.keys()],
        onBroken: (end, error) => {
          if (isBroken) return;
          isBroken = true;
          onBroken(ends.get(end)!, error);
        },
      });
    }
  }

  /** What arrives is put into rings on this thread, so nothing arrives once this has been called. */
  async disconnect(deploymentNumber: number): Promise<void> {
    this.#options.endpoint.disconnect(this.#deployment(deploymentNumber));
  }

  /** The job is over. Its attempts were disconnected before. */
  close(): void {
    for (const bell of this.#bells.values()) this.#options.endpoint.forget(bell);
    this.#bells.clear();
  }

  #listenTo(doorbells: SharedArrayBuffer, wireBell: number): void {
    if (this.#bells.has(doorbells)) return;
    const bell = new Doorbell(doorbells, wireBell, this.#options.bells);
    this.#bells.set(doorbells, bell);
    this.#options.endpoint.listenTo(bell);
  }

  #endOf({ deploymentNumber, channel, direction, slot, memory }: WiredChannel, doorbells: SharedArrayBuffer): WireEnd {
    const bell = new Doorbell(doorbells, slot, this.#options.bells);
    const onMoved = (): void => bell.ring();
    return direction === "out"
      ? { direction, channel, source: new RingConsumer(memory, deploymentNumber), onMoved }
      : { direction, channel, sink: new RingProducer(memory, deploymentNumber), onMoved };
  }

  #deployment(deploymentNumber: number): WireDeployment {
    const { jobId, session } = this.#options;
    return { jobId, session, deploymentNumber };
  }
}

import { createDoorbellMemory, Doorbell } from "../../../exchange/doorbell.ts";
import { createRingMemory, RingConsumer, RingProducer } from "../../../exchange/ring.ts";
import { RingChannelReader, RingChannelWriter } from "../../../exchange/ring-channel.ts";
import { WireEndpoint } from "../../../exchange/wire/wire-endpoint.ts";
import type { Platform } from "../../../platform/platform.ts";
import type { Serializer } from "../../../types/type.ts";
import type { ChannelId } from "../../slot-layout.ts";
import type { WiredChannel } from "../channel-wire.ts";
import { JobWire } from "../job-wire.ts";

export interface WiredProcessOptions {
  readonly host?: string;
  readonly port?: number;
  readonly session?: string;
  readonly advertisedHost?: string;
  readonly allowNonLoopback?: boolean;
}

/** A process with some slots of a job and a data port; its slots run in the test's thread. */
export class WiredProcess {
  readonly platform: Platform;
  readonly endpoint: WireEndpoint;
  readonly wire: JobWire;
  /** What broke, in order. */
  readonly broken: { readonly channel: WiredChannel; readonly error: Error }[] = [];
  readonly #doorbells: SharedArrayBuffer = createDoorbellMemory(SLOTS + 1);
  readonly #watchers: (() => void)[] = [];

  static async start(platform: Platform, options: WiredProcessOptions = {}): Promise<WiredProcess> {
    const { host = "127.0.0.1", port = 0, session = "1", advertisedHost = host, allowNonLoopback = false } = options;
    const endpoint = await WireEndpoint.listen({
      platform,
      bind: { host, port },
      advertisedHost,
      allowNonLoopback,
      heartbeatIntervalMs: 1000,
      heartbeatTimeoutMs: 4000,
    });
    return new WiredProcess(platform, endpoint, session);
  }

  private constructor(platform: Platform, endpoint: WireEndpoint, session: string) {
    this.platform = platform;
    this.endpoint = endpoint;
    this.wire = new JobWire({ endpoint, jobId: "job", session, bells: platform.bells });
  }

  get address(): string {
    return this.endpoint.address;
  }

  /** The end of a channel of which the other one is in another process, for the slot with the channel's number. */
  end(direction: "in" | "out", peer: string, deploymentNumber: number, channel: ChannelId, segments = 1): WiredChannel {
    const slot = channel.edge;
    return { deploymentNumber, channel, direction, slot, peerAddress: peer, memory: createRingMemory(deploymentNumber, segments) };
  }

  connect(...channels: readonly WiredChannel[]): void {
    this.wire.connect(channels, this.#doorbells, SLOTS, (channel, error) => {
      this.broken.push({ channel, error });
      for (const watch of this.#watchers.splice(0)) watch();
    });
  }

  /** Settles when something breaks, or has broken. */
  async breaks(): Promise<Error> {
    if (this.broken.length === 0) await new Promise<void>((resolve) => this.#watchers.push(resolve));
    return this.broken[0]!.error;
  }

  /** Writes all values, waiting for room as a slot does; settles when the wire has taken the last byte. */
  async send(end: WiredChannel, serializer: Serializer<unknown>, values: readonly unknown[]): Promise<void> {
    const wireBell = new Doorbell(this.#doorbells, SLOTS, this.platform.bells);
    const writer = new RingChannelWriter(new RingProducer(end.memory, end.deploymentNumber), serializer, wireBell, false);
    const bell = new Doorbell(this.#doorbells, end.slot, this.platform.bells);
    let next = 0;
    for (;;) {
      while (next < values.length && writer.isAvailable) writer.push(values[next], next++);
      if (next === values.length) writer.pushEvent({ kind: "endOfInput" });
      if (next === values.length) next++;
      bell.park();
      writer.flush();
      if (writer.buffersInUse === 0 && next > values.length) return;
      if (next <= values.length && writer.isAvailable) continue;
      await new Promise<void>((resolve) => bell.sleep(resolve));
    }
  }

  /** Takes values until the end of input. `onTaken` may make the slot slow. */
  async receive(
    end: WiredChannel,
    serializer: Serializer<unknown>,
    onTaken: (value: unknown) => void | Promise<void> = () => {},
  ): Promise<readonly unknown[]> {
    const wireBell = new Doorbell(this.#doorbells, SLOTS, this.platform.bells);
    const reader = new RingChannelReader(new RingConsumer(end.memory, end.deploymentNumber), serializer, wireBell);
    const bell = new Doorbell(this.#doorbells, end.slot, this.platform.bells);
    const values: unknown[] = [];
    for (;;) {
      const taken: unknown[] = [];
      reader.takeRecords((value) => taken.push(value), 100);
      for (const value of taken) {
        values.push(value);
        await onTaken(value);
      }
      if (reader.takeEvent()?.kind === "endOfInput") return values;
      if (taken.length > 0) continue;
      bell.park();
      if (!reader.hasNext) await new Promise<void>((resolve) => bell.sleep(resolve));
    }
  }

  close(): Promise<void> {
    this.wire.close();
    return this.endpoint.close();
  }
}

const SLOTS = 8;

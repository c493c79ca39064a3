/** The channels of one slot that go to other slots of the process. */
import { invariant } from "../../base/errors.ts";
import type { ChannelReader, ChannelWriter } from "../../exchange/channel.ts";
import { Doorbell } from "../../exchange/doorbell.ts";
import { RingConsumer, RingProducer } from "../../exchange/ring.ts";
import { RingChannelReader, RingChannelWriter } from "../../exchange/ring-channel.ts";
import type { JobEdge, JobGraph } from "../../graph/job-graph.ts";
import type { Bells } from "../../platform/platform.ts";
import { serializerOf } from "../in-flight.ts";
import type { RemoteChannels } from "../slot-channels.ts";
import { type ChannelId, channelName, slotsOfChannel } from "../slot-layout.ts";
import type { SlotRing } from "./slot-thread-messages.ts";

export interface RingChannelsOptions {
  readonly graph: JobGraph;
  readonly slot: number;
  readonly rings: readonly SlotRing[];
  readonly doorbells: SharedArrayBuffer;
  readonly generation: number;
  readonly bells: Bells;
  readonly flushesAlways: boolean;
}

export class RingChannels implements RemoteChannels {
  readonly #options: RingChannelsOptions;
  readonly #rings: ReadonlyMap<string, SlotRing>;

  constructor(options: RingChannelsOptions) {
    this.#options = options;
    this.#rings = new Map(options.rings.map((ring) => [channelName(ring.channel), ring]));
  }

  isLocal(channel: ChannelId): boolean {
    const { from, to } = slotsOfChannel(this.#options.graph, channel);
    return from === to;
  }

  writer(channel: ChannelId, edge: JobEdge): ChannelWriter {
    const { memory, bell } = this.#ringOf(channel);
    const ring = new RingProducer(memory, this.#options.generation);
    return new RingChannelWriter(ring, serializerOf(edge), this.#doorbell(bell), this.#options.flushesAlways);
  }

  reader(channel: ChannelId, edge: JobEdge): ChannelReader {
    const { memory, bell } = this.#ringOf(channel);
    const ring = new RingConsumer(memory, this.#options.generation);
    return new RingChannelReader(ring, serializerOf(edge), this.#doorbell(bell));
  }

  #ringOf(channel: ChannelId): SlotRing {
    const ring = this.#rings.get(channelName(channel));
    invariant(ring !== undefined, `slot ${this.#options.slot} has no ring for channel ${channelName(channel)}`);
    return ring;
  }

  #doorbell(bell: number): Doorbell {
    return new Doorbell(this.#options.doorbells, bell, this.#options.bells);
  }
}

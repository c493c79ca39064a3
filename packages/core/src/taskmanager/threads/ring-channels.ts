/** The channels of one slot that go to other slots of the process. */
import { invariant } from "../../base/errors.ts";
import type { ChannelReader, ChannelWriter } from "../../exchange/channel.ts";
import { Doorbell } from "../../exchange/doorbell.ts";
import { RingConsumer, RingProducer } from "../../exchange/ring.ts";
import { RingChannelReader, RingChannelWriter } from "../../exchange/ring-channel.ts";
import type { JobEdge, JobGraph } from "../../graph/job-graph.ts";
import type { Bells } from "../../platform/platform.ts";
import { learnedType } from "../../types/learned-type.ts";
import type { Serializer } from "../../types/type.ts";
import type { RemoteChannels } from "../slot-channels.ts";
import { type ChannelId, channelName, slotsOfChannel } from "../slot-layout.ts";

export interface RingChannelsOptions {
  readonly graph: JobGraph;
  readonly slot: number;
  readonly rings: readonly { readonly channel: ChannelId; readonly memory: SharedArrayBuffer }[];
  readonly doorbells: SharedArrayBuffer;
  readonly generation: number;
  readonly bells: Bells;
  readonly flushesAlways: boolean;
}

export class RingChannels implements RemoteChannels {
  readonly #options: RingChannelsOptions;
  readonly #memories: ReadonlyMap<string, SharedArrayBuffer>;

  constructor(options: RingChannelsOptions) {
    this.#options = options;
    this.#memories = new Map(options.rings.map(({ channel, memory }) => [channelName(channel), memory]));
  }

  isLocal(channel: ChannelId): boolean {
    const { from, to } = this.#slotsOf(channel);
    return from === to;
  }

  writer(channel: ChannelId, edge: JobEdge): ChannelWriter {
    const ring = new RingProducer(this.#memoryOf(channel), this.#options.generation);
    return new RingChannelWriter(
      ring,
      serializerOf(edge),
      this.#doorbellOf(this.#slotsOf(channel).to),
      this.#options.flushesAlways,
    );
  }

  reader(channel: ChannelId, edge: JobEdge): ChannelReader {
    const ring = new RingConsumer(this.#memoryOf(channel), this.#options.generation);
    return new RingChannelReader(ring, serializerOf(edge), this.#doorbellOf(this.#slotsOf(channel).from));
  }

  #slotsOf(channel: ChannelId): ReturnType<typeof slotsOfChannel> {
    return slotsOfChannel(this.#options.graph, channel);
  }

  #memoryOf(channel: ChannelId): SharedArrayBuffer {
    const memory = this.#memories.get(channelName(channel));
    invariant(memory !== undefined, `slot ${this.#options.slot} has no ring for channel ${channelName(channel)}`);
    return memory;
  }

  #doorbellOf(slot: number): Doorbell {
    return new Doorbell(this.#options.doorbells, slot, this.#options.bells);
  }
}

/** A learned codec is a channel's own, because what it has learned belongs to one stream. */
function serializerOf(edge: JobEdge): Serializer<unknown> {
  return (edge.type ?? learnedType<unknown>()).serializer;
}

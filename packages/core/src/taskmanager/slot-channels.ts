/** The channels of the subtasks of one thread: to others of the same thread, and through shared memory to other threads. */
import { invariant } from "../base/errors.ts";
import type { ChannelReader, ChannelWriter } from "../exchange/channel.ts";
import { LocalChannel } from "../exchange/local-channel.ts";
import { createRecordWriter, type RecordWriter, type WriterPartitioning } from "../exchange/record-writer.ts";
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.ts";
import type { GateReport } from "../graph/stall/job-report.ts";
import type { Random } from "../platform/platform.ts";
import type { InputGateReport } from "../task/input-gate.ts";
import { type ChannelId, channelName, channelsOfEdge } from "./slot-layout.ts";

/** Makes the ends of channels that leave the thread. */
export interface RemoteChannels {
  /** Whether the two ends of the channel are in this thread. */
  isLocal(channel: ChannelId): boolean;
  writer(channel: ChannelId, edge: JobEdge): ChannelWriter;
  reader(channel: ChannelId, edge: JobEdge): ChannelReader;
}

/** One channel of a gate. */
export interface GateChannel {
  /** The producing subtask. */
  readonly producer: number;
  readonly reader: ChannelReader;
}

export class SlotChannels {
  readonly #graph: JobGraph;
  readonly #remote: RemoteChannels | undefined;
  readonly #local = new Map<string, LocalChannel>();

  /** @param remote - Undefined when all subtasks that exchange records are in this thread. */
  constructor(graph: JobGraph, remote: RemoteChannels | undefined) {
    this.#graph = graph;
    this.#remote = remote;
  }

  /** The channels that feed one subtask, by gate, then producer. */
  gatesOf(vertex: JobVertex, subtaskIndex: number): readonly (readonly GateChannel[])[] {
    return vertex.gates.map((id) => {
      const edge = this.#edge(id);
      return this.#into(edge, subtaskIndex).map((channel) => ({
        producer: channel.producer,
        reader: this.#isLocal(channel) ? this.#localChannel(channel) : this.#remote!.reader(channel, edge),
      }));
    });
  }

  /** The writers of one subtask, by output of its vertex. */
  writersOf(vertex: JobVertex, subtaskIndex: number, random: Random): readonly RecordWriter[] {
    return vertex.outputs.map((output) => {
      const edge = this.#edge(output.edge);
      const channels = this.#outOf(edge, subtaskIndex).map((channel) =>
        this.#isLocal(channel) ? this.#localChannel(channel) : this.#remote!.writer(channel, edge),
      );
      return createRecordWriter(channels, this.#partitioningOf(edge), {
        subtaskIndex,
        maxParallelism: this.#graph.vertices[edge.target]!.maxParallelism,
        random,
      });
    });
  }

  /** The subtasks at the other ends of what a subtask writes to an edge, in the order of its channels. */
  consumersOf(edge: number, subtaskIndex: number): readonly number[] {
    return this.#outOf(this.#edge(edge), subtaskIndex).map(({ consumer }) => consumer);
  }

  /** Says where the channels of a subtask's gate come from. */
  describeGate(edge: number, subtaskIndex: number, { channels, ...gate }: InputGateReport): GateReport {
    const ends = this.#into(this.#edge(edge), subtaskIndex);
    return {
      ...gate,
      edge,
      channels: channels.map((channel, index) => ({ ...channel, producer: ends[index]!.producer })),
    };
  }

  #into(edge: JobEdge, consumer: number): readonly ChannelId[] {
    return channelsOfEdge(this.#graph, edge).filter((channel) => channel.consumer === consumer);
  }

  #outOf(edge: JobEdge, producer: number): readonly ChannelId[] {
    return channelsOfEdge(this.#graph, edge).filter((channel) => channel.producer === producer);
  }

  #edge(id: number): JobEdge {
    const edge = this.#graph.edges[id];
    invariant(edge !== undefined, `the graph has no edge ${id}`);
    return edge;
  }

  #isLocal(channel: ChannelId): boolean {
    return this.#remote === undefined || this.#remote.isLocal(channel);
  }

  #localChannel(channel: ChannelId): LocalChannel {
    const name = channelName(channel);
    const known = this.#local.get(name);
    if (known !== undefined) return known;
    const created = new LocalChannel();
    this.#local.set(name, created);
    return created;
  }

  // With one consumer every record goes the same way: nothing has to be hashed.
  #partitioningOf(edge: JobEdge): WriterPartitioning {
    return this.#graph.vertices[edge.target]!.parallelism === 1 ? { kind: "global" } : edge.partitioning;
  }
}

import { LocalChannel } from "../exchange/local-channel.ts";
import {
  consumersOf,
  createRecordWriter,
  type RecordWriter,
  type WriterPartitioning,
} from "../exchange/record-writer.ts";
import type { JobEdge, JobGraph, JobVertex } from "../graph/job-graph.ts";
import type { Random } from "../platform/platform.ts";

/** All channels of an attempt whose subtasks share a thread. */
export class AttemptChannels {
  readonly #graph: JobGraph;
  /** By edge, producer, consumer; undefined where the partitioning connects nothing. */
  readonly #channels: readonly (readonly (readonly (LocalChannel | undefined)[])[])[];

  constructor(graph: JobGraph) {
    this.#graph = graph;
    this.#channels = graph.edges.map((edge) => this.#createChannels(edge));
  }

  /** The channels that feed one subtask, by gate, then producer. */
  gatesOf(vertex: JobVertex, subtaskIndex: number): readonly (readonly LocalChannel[])[] {
    return vertex.gates.map((edge) =>
      this.#channels[edge]!.map((consumers) => consumers[subtaskIndex]).filter((channel) => channel !== undefined),
    );
  }

  /** The writers of one subtask, by output of its vertex. */
  writersOf(vertex: JobVertex, subtaskIndex: number, random: Random): readonly RecordWriter[] {
    return vertex.outputs.map((output) => {
      const edge = this.#graph.edges[output.edge]!;
      const channels = this.#channels[output.edge]![subtaskIndex]!.filter((channel) => channel !== undefined);
      const target = this.#graph.vertices[edge.target]!;
      return createRecordWriter(channels, this.#partitioningOf(edge), {
        subtaskIndex,
        maxParallelism: target.maxParallelism,
        random,
      });
    });
  }

  #createChannels(edge: JobEdge): readonly (readonly (LocalChannel | undefined)[])[] {
    const producers = this.#graph.vertices[edge.source]!.parallelism;
    const consumers = this.#graph.vertices[edge.target]!.parallelism;
    return Array.from({ length: producers }, (_, index) => {
      const range = consumersOf(edge.partitioning.kind, { index, parallelism: producers }, consumers);
      return Array.from({ length: consumers }, (__, consumer) =>
        consumer >= range.first && consumer < range.end ? new LocalChannel() : undefined,
      );
    });
  }

  // With one consumer every record goes the same way: nothing has to be hashed.
  #partitioningOf(edge: JobEdge): WriterPartitioning {
    return this.#graph.vertices[edge.target]!.parallelism === 1 ? { kind: "global" } : edge.partitioning;
  }
}

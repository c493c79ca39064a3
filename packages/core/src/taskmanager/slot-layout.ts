/**
 * Which slot runs which subtasks. Slots are shared: one slot holds at most one subtask of every vertex, so a job needs as
 * many slots as its highest parallelism, and a pipeline that needs no exchange stays within one slot.
 */

import { consumersOf } from "../exchange/record-writer.ts";
import type { JobEdge, JobGraph } from "../graph/job-graph.ts";

/** A subtask of a graph. */
export interface SubtaskId {
  readonly vertexId: number;
  readonly subtaskIndex: number;
}

/** A channel of an edge: from one producing subtask to one consuming subtask. */
export interface ChannelId {
  readonly edge: number;
  readonly producer: number;
  readonly consumer: number;
}

/** How many slots a job needs. */
export function slotCountOf(graph: JobGraph): number {
  return Math.max(1, ...graph.vertices.map((vertex) => vertex.parallelism));
}

/** The subtasks of a slot, in topological order. */
export function subtasksOfSlot(graph: JobGraph, slot: number): readonly SubtaskId[] {
  return graph.vertices
    .filter((vertex) => slot < vertex.parallelism)
    .map((vertex) => ({ vertexId: vertex.id, subtaskIndex: slot }));
}

/** All channels of a graph, edge by edge. */
export function channelsOf(graph: JobGraph): readonly ChannelId[] {
  return graph.edges.flatMap((edge) => channelsOfEdge(graph, edge));
}

/** The channels of an edge, by producer, then consumer. */
export function channelsOfEdge(graph: JobGraph, edge: JobEdge): readonly ChannelId[] {
  const producers = graph.vertices[edge.source]!.parallelism;
  const consumers = graph.vertices[edge.target]!.parallelism;
  return Array.from({ length: producers }, (_, producer) => {
    const range = consumersOf(edge.partitioning.kind, { index: producer, parallelism: producers }, consumers);
    return Array.from({ length: range.end - range.first }, (__, index) => ({
      edge: edge.id,
      producer,
      consumer: range.first + index,
    }));
  }).flat();
}

export function channelName({ edge, producer, consumer }: ChannelId): string {
  return `${edge}/${producer}-${consumer}`;
}

/**
 * Which slot runs which subtasks. Slots are shared within a slot sharing group: one slot holds at most one subtask of every
 * vertex, so a group needs as many slots as its highest parallelism, and a pipeline that needs no exchange stays within one
 * slot. Groups come one after the other, in the order of their first vertices.
 */

import { consumersOf } from "../exchange/record-writer.ts";
import type { JobEdge, JobGraph } from "../graph/job-graph.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";

/** A channel of an edge: from one producing subtask to one consuming subtask. */
export interface ChannelId {
  readonly edge: number;
  readonly producer: number;
  readonly consumer: number;
}

/** How many slots a job needs. */
export function slotCountOf(graph: JobGraph): number {
  return Math.max(1, [...slotsOfGroups(graph).values()].at(-1)?.end ?? 1);
}

/** All subtasks, in topological order. */
export function subtasksOf(graph: JobGraph): readonly SubtaskId[] {
  return graph.vertices.flatMap((vertex) =>
    Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => ({ vertexId: vertex.id, subtaskIndex })),
  );
}

/** The subtasks of a slot, in topological order. */
export function subtasksOfSlot(graph: JobGraph, slot: number): readonly SubtaskId[] {
  const groups = slotsOfGroups(graph);
  return graph.vertices
    .map((vertex) => ({ vertex, subtaskIndex: slot - groups.get(vertex.slotSharingGroup)!.first }))
    .filter(({ vertex, subtaskIndex }) => subtaskIndex >= 0 && subtaskIndex < vertex.parallelism)
    .map(({ vertex, subtaskIndex }) => ({ vertexId: vertex.id, subtaskIndex }));
}

/** The slot that runs a subtask. */
export function slotOf(graph: JobGraph, { vertexId, subtaskIndex }: SubtaskId): number {
  return slotsOfGroups(graph).get(graph.vertices[vertexId]!.slotSharingGroup)!.first + subtaskIndex;
}

/** The slots that run some subtasks. */
export function slotsOf(graph: JobGraph, tasks: readonly SubtaskId[]): readonly number[] {
  return [...new Set(tasks.map((task) => slotOf(graph, task)))];
}

/** The slots at both ends of a channel. */
export function slotsOfChannel(graph: JobGraph, channel: ChannelId): { readonly from: number; readonly to: number } {
  const { source, target } = graph.edges[channel.edge]!;
  return {
    from: slotOf(graph, { vertexId: source, subtaskIndex: channel.producer }),
    to: slotOf(graph, { vertexId: target, subtaskIndex: channel.consumer }),
  };
}

/** The slots `[first, end)` of every group. */
function slotsOfGroups(graph: JobGraph): ReadonlyMap<string, { readonly first: number; readonly end: number }> {
  const sizes = new Map<string, number>();
  for (const { slotSharingGroup, parallelism } of graph.vertices)
    sizes.set(slotSharingGroup, Math.max(sizes.get(slotSharingGroup) ?? 0, parallelism));
  let first = 0;
  return new Map(
    [...sizes].map(([group, size]) => {
      const slots = { first, end: first + size };
      first = slots.end;
      return [group, slots];
    }),
  );
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

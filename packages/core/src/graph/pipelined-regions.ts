/**
 * Which subtasks fail and start again together. All channels are pipelined: what a subtask has sent is gone, so whoever it has
 * exchanged records with has to go back with it.
 *
 * - B1. Every subtask is in exactly one region, and both ends of every channel are in the same one.
 * - B2. The readers of a source that go on together ({@link Source.readersAdvanceTogether}) are in the same one.
 * - B3. Regions are in the order of their first subtasks, and their subtasks in topological order.
 */
import type { FailoverStrategy } from "../config/restart-options.ts";
import { consumersOf } from "../exchange/record-writer.ts";
import type { JobGraph, JobVertex } from "./job-graph.ts";

/** A subtask of the execution graph. */
export interface ExecutionVertex {
  readonly vertexId: number;
  readonly subtaskIndex: number;
}

/** In order: see B3. With the strategy `full` there is one region, of everything. */
export function pipelinedRegions(
  graph: Pick<JobGraph, "vertices" | "edges">,
  strategy: FailoverStrategy,
): readonly (readonly ExecutionVertex[])[] {
  const { vertices, edges } = graph;
  const firsts: number[] = [];
  const all = vertices.flatMap(({ id, parallelism }) => {
    firsts.push((firsts.at(-1) ?? 0) + (vertices[id - 1]?.parallelism ?? 0));
    return Array.from({ length: parallelism }, (_, subtaskIndex) => ({ vertexId: id, subtaskIndex }));
  });
  const sets = new DisjointSets(all.length);
  for (const { source, target, partitioning } of edges) {
    const producers = vertices[source]!.parallelism;
    for (let index = 0; index < producers; index++) {
      const consumers = consumersOf(
        partitioning.kind,
        { index, parallelism: producers },
        vertices[target]!.parallelism,
      );
      for (let consumer = consumers.first; consumer < consumers.end; consumer++)
        sets.join(firsts[source]! + index, firsts[target]! + consumer);
    }
  }
  for (const vertex of vertices.filter(advancesTogether)) {
    for (let index = 1; index < vertex.parallelism; index++) sets.join(firsts[vertex.id]!, firsts[vertex.id]! + index);
  }
  if (strategy === "full") for (let index = 1; index < all.length; index++) sets.join(0, index);
  const regions = new Map<number, ExecutionVertex[]>();
  for (const [index, subtask] of all.entries()) {
    const region = regions.get(sets.find(index));
    if (region === undefined) regions.set(sets.find(index), [subtask]);
    else region.push(subtask);
  }
  return [...regions.values()];
}

function advancesTogether({ operators }: JobVertex): boolean {
  return operators.some(({ spec }) => spec.kind === "source" && spec.source.readersAdvanceTogether === true);
}

/** Union-find; the representative of a set is its lowest member. */
class DisjointSets {
  readonly #parents: number[];

  constructor(size: number) {
    this.#parents = Array.from({ length: size }, (_, index) => index);
  }

  find(member: number): number {
    let root = member;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    // Shorter ways for the next time.
    for (let each = member; each !== root; ) {
      const next = this.#parents[each]!;
      this.#parents[each] = root;
      each = next;
    }
    return root;
  }

  join(left: number, right: number): void {
    const [low, high] = [this.find(left), this.find(right)].sort((a, b) => a - b) as [number, number];
    this.#parents[high] = low;
  }
}

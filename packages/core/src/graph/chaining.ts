/**
 * Decides which operators become one function. Two operators are chained when the edge between them is fusable and
 * neither side refuses; an operator with several inputs is chained only with all of them, and only if the vertices
 * stay free of cycles.
 */
import type { Transformation, TransformationEdge } from "./transformation.ts";

/** Groups of transformations, in topological order; the members of a group are in creation order. */
export function assignChains(
  transformations: readonly Transformation[],
  isFusable: (edge: TransformationEdge, target: Transformation) => boolean,
): readonly (readonly Transformation[])[] {
  let groupOf = new Map<Transformation, number>();
  transformations.forEach((target, index) => {
    const sources = target.inputs.map((edge) => groupOf.get(edge.source)!);
    const mayChain =
      target.inputs.length > 0 &&
      target.chaining === "always" &&
      target.inputs.every((edge) => edge.source.chaining !== "never" && isFusable(edge, target));
    const merged = mayChain ? mergeGroups(groupOf, target, new Set(sources)) : undefined;
    if (merged !== undefined && !hasCycle(transformations.slice(0, index + 1), merged)) groupOf = merged;
    else groupOf.set(target, target.id);
  });
  return sortGroups(transformations, groupOf);
}

function mergeGroups(
  groupOf: ReadonlyMap<Transformation, number>,
  target: Transformation,
  sources: ReadonlySet<number>,
): Map<Transformation, number> {
  const into = Math.min(...sources);
  const merged = new Map<Transformation, number>();
  for (const [member, group] of groupOf) merged.set(member, sources.has(group) ? into : group);
  return merged.set(target, into);
}

/** The groups that feed each group. */
function feedersOf(
  transformations: readonly Transformation[],
  groupOf: ReadonlyMap<Transformation, number>,
): Map<number, Set<number>> {
  const feeders = new Map<number, Set<number>>();
  for (const target of transformations) {
    const group = groupOf.get(target)!;
    const own = feeders.get(group) ?? new Set();
    feeders.set(group, own);
    for (const edge of target.inputs) {
      const source = groupOf.get(edge.source)!;
      if (source !== group) own.add(source);
    }
  }
  return feeders;
}

function hasCycle(transformations: readonly Transformation[], groupOf: ReadonlyMap<Transformation, number>): boolean {
  return topologicalOrder(feedersOf(transformations, groupOf)) === undefined;
}

/** Groups with all feeders before them, lowest number first; undefined when there is a cycle. */
function topologicalOrder(feeders: ReadonlyMap<number, ReadonlySet<number>>): readonly number[] | undefined {
  const order: number[] = [];
  const placed = new Set<number>();
  const waiting = [...feeders.keys()].sort((left, right) => left - right);
  while (waiting.length > 0) {
    const next = waiting.findIndex((group) => [...feeders.get(group)!].every((feeder) => placed.has(feeder)));
    if (next < 0) return undefined;
    const [group] = waiting.splice(next, 1);
    order.push(group!);
    placed.add(group!);
  }
  return order;
}

function sortGroups(
  transformations: readonly Transformation[],
  groupOf: ReadonlyMap<Transformation, number>,
): readonly (readonly Transformation[])[] {
  const order = topologicalOrder(feedersOf(transformations, groupOf))!;
  return order.map((group) => transformations.filter((member) => groupOf.get(member) === group));
}

/**
 * Names for the edges between operators by which a checkpoint's channel state finds them again: the same whatever the
 * parallelism, and whether the edge is fused or not.
 *
 *     source-flights -> hourly[0]        from operator `source-flights` to the first input of operator `hourly`
 *     split:odd -> sum[0]                from its side output `odd`
 *     numbers -> sum[0]~1                the second edge between the same two
 */
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { JobGraph, JobVertex } from "./job-graph.ts";

/** The keys of the edges that feed one operator, in the order of its inputs. */
export function edgeKeysOf(graph: JobGraph, vertex: JobVertex, operator: ChainedOperator): readonly string[] {
  const seen = new Map<string, number>();
  return operator.inputs.map((input) => {
    const { uid, sideOutput } = producerOf(graph, vertex, input);
    const key = `${uid}${sideOutput === undefined ? "" : `:${sideOutput}`} -> ${operator.uid}[${input.input}]`;
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    return count === 0 ? key : `${key}~${count}`;
  });
}

/** The keys of all edges of a job. */
export function allEdgeKeys(graph: JobGraph): ReadonlySet<string> {
  return new Set(
    graph.vertices.flatMap((vertex) => vertex.operators.flatMap((operator) => edgeKeysOf(graph, vertex, operator))),
  );
}

function producerOf(
  graph: JobGraph,
  vertex: JobVertex,
  input: ChainedOperator["inputs"][number],
): { readonly uid: string; readonly sideOutput: string | undefined } {
  if (input.kind === "fused") return { uid: vertex.operators[input.from]!.uid, sideOutput: input.sideOutput };
  const edge = graph.edges[vertex.gates[input.gate]!]!;
  const source = graph.vertices[edge.source]!;
  const output = source.outputs.find((each) => each.edge === edge.id)!;
  return { uid: source.operators[output.operator]!.uid, sideOutput: output.sideOutput };
}

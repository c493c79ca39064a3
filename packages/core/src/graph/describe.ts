/** What a job graph is as plain JSON: what state and exchanges depend on. No functions, no secrets. */
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { JobGraph, JobVertex } from "./job-graph.ts";
import { DEFAULT_SLOT_SHARING_GROUP } from "./slot-sharing.ts";

export interface OperatorPlan {
  readonly uid: string;
  readonly name: string;
  readonly kind: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
}

export interface VertexPlan {
  readonly id: number;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Left out when it is the default one. */
  readonly slotSharingGroup?: string;
  readonly operators: readonly OperatorPlan[];
}

export interface JobPlan {
  readonly name: string;
  readonly hash: string;
  readonly vertices: readonly VertexPlan[];
  readonly edges: readonly { readonly source: number; readonly target: number; readonly partitioning: string }[];
}

export function describeJobGraph(graph: JobGraph): JobPlan {
  return {
    name: graph.name,
    hash: graph.hash,
    vertices: graph.vertices.map(describeVertex),
    edges: graph.edges.map((edge) => ({
      source: edge.source,
      target: edge.target,
      partitioning: edge.partitioning.kind,
    })),
  };
}

export function describeVertex(vertex: JobVertex): VertexPlan {
  return {
    id: vertex.id,
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    ...(vertex.slotSharingGroup === DEFAULT_SLOT_SHARING_GROUP ? {} : { slotSharingGroup: vertex.slotSharingGroup }),
    operators: vertex.operators.map((operator) => ({
      uid: operator.uid,
      name: operator.name,
      kind: operator.spec.kind,
      details: detailsOf(operator.spec),
      inputs: operator.inputs.map((input) => describeInput(input, vertex)),
    })),
  };
}

function describeInput(input: ChainedOperator["inputs"][number], vertex: JobVertex): string {
  if (input.kind === "gate") return `gate ${input.gate}`;
  const side = input.sideOutput === undefined ? "" : ` side output ${JSON.stringify(input.sideOutput)}`;
  return `${vertex.operators[input.from]!.uid}${side}`;
}

function detailsOf(spec: OperatorSpec): Readonly<Record<string, unknown>> {
  switch (spec.kind) {
    case "source":
      return { connector: spec.source.description.kind, ...spec.source.description.options };
    case "sink":
      return { connector: spec.sink.description.kind, ...spec.sink.description.options };
    case "window":
      return { window: spec.assigner.toString(), fold: spec.fold.kind, allowedLatenessMs: spec.allowedLatenessMs };
    case "intervalJoin":
      return { lowerMs: spec.lowerMs, upperMs: spec.upperMs };
    case "keyedReduce":
      return { aggregation: spec.label };
    case "transform":
      return { operator: spec.label, ...spec.details };
    default:
      return {};
  }
}

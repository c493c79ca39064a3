/** Plans as Flink writes them: a node for each chain, those that nothing leads on from first. */
import type { JobPlan } from "millrace/internal";
import type { HexId, PlanBody, PlanNodeBody } from "../rest-bodies.ts";
import { vertexIdsOf } from "../vertex-id.ts";

type VertexPlan = JobPlan["vertices"][number];

export function planBody(jobId: HexId, name: string, plan: JobPlan, isBatch: boolean): PlanBody {
  const ids = vertexIdsOf(plan);
  const nodes = plan.vertices.map((vertex): PlanNodeBody => {
    const inputs = plan.edges
      .filter(({ target }) => target === vertex.id)
      .map(({ source, partitioning }, num) => ({
        num,
        id: ids.get(source)!,
        ship_strategy: partitioning.toUpperCase(),
        exchange: "pipelined_bounded" as const,
      }));
    return {
      id: ids.get(vertex.id)!,
      parallelism: vertex.parallelism,
      operator: "",
      operator_strategy: "",
      description: descriptionOf(vertex),
      ...(inputs.length === 0 ? {} : { inputs }),
      optimizer_properties: {},
    };
  });
  return { jid: jobId, name, type: isBatch ? "BATCH" : "STREAMING", nodes: nodes.reverse() };
}

/** The operators of each chain, and what leads from one to the next. */
export function streamGraphBody(plan: JobPlan): Readonly<Record<string, unknown>> {
  const ids = vertexIdsOf(plan);
  return {
    nodes: plan.vertices.flatMap((vertex) =>
      vertex.operators.map(({ uid, name, kind, details, inputs }) => ({
        id: uid,
        operator: name,
        kind,
        details,
        inputs,
        parallelism: vertex.parallelism,
        job_vertex_id: ids.get(vertex.id)!,
      })),
    ),
  };
}

/** An operator a line, those that follow below those that lead. */
function descriptionOf({ operators }: VertexPlan): string {
  return operators.map(({ name }, index) => `${index === 0 ? "" : "+- "}${escaped(name)}<br/>`).join("");
}

/** Names are the user's, and descriptions are shown as HTML. */
function escaped(name: string): string {
  return name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

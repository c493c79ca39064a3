/** What the JobMaster has to know of the operators of a graph. */
import type { JobGraph } from "../graph/job-graph.ts";
import type { CheckpointedOperator } from "../jobmanager/jobmaster/job-checkpoints.ts";
import type { CoordinatedSource } from "../jobmanager/jobmaster/source-coordinator.ts";
import { needsRestore } from "../operators/operator-spec.ts";

export function coordinatedSources(graph: JobGraph): readonly CoordinatedSource[] {
  return graph.vertices.flatMap((vertex) =>
    vertex.operators.flatMap(({ spec, uid }) =>
      spec.kind === "source"
        ? [
            {
              uid,
              vertexId: vertex.id,
              parallelism: vertex.parallelism,
              source: spec.source as never,
              alignment: spec.strategy.alignment,
            },
          ]
        : [],
    ),
  );
}

export function checkpointedOperators(graph: JobGraph): readonly CheckpointedOperator[] {
  return graph.vertices.flatMap((vertex) =>
    vertex.operators.map(({ uid, name, spec }) => ({
      uid,
      name,
      vertexId: vertex.id,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      isStateful: needsRestore(spec),
    })),
  );
}

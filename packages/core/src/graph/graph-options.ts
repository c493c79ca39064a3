/** What a configuration means for the graph of a job: the same wherever the graph is built. */
import { isUnaligned } from "../config/alignment.ts";
import {
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_ITERATIONS_FORCED,
  UNALIGNED_FORCED,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { RUNTIME_MODE } from "../config/execution-options.ts";
import {
  AUTO_GENERATE_UIDS,
  DEFAULT_PARALLELISM,
  OBJECT_REUSE,
  OPERATOR_CHAINING,
  PIPELINE_MAX_PARALLELISM,
} from "../config/pipeline-options.ts";
import type { JobGraphOptions } from "./build-job-graph.ts";
import type { JobGraph, JobVertex } from "./job-graph.ts";

export function graphOptionsOf(configuration: Configuration, name: string): JobGraphOptions {
  const maxParallelism = configuration.get(PIPELINE_MAX_PARALLELISM);
  const isCheckpointed = configuration.get(CHECKPOINTING_INTERVAL) !== undefined;
  return {
    name,
    parallelism: configuration.get(DEFAULT_PARALLELISM),
    maxParallelism: maxParallelism === -1 ? undefined : maxParallelism,
    isChainingEnabled: configuration.get(OPERATOR_CHAINING),
    copiesRecords: !configuration.get(OBJECT_REUSE),
    autoGenerateUids: configuration.get(AUTO_GENERATE_UIDS),
    runtimeMode: configuration.get(RUNTIME_MODE),
    refusesIterations: isCheckpointed && !configuration.get(CHECKPOINTING_ITERATIONS_FORCED),
    refusesUnaligned: isCheckpointed && isUnaligned(configuration) && !configuration.get(UNALIGNED_FORCED),
  };
}

/** The graph with other maximum parallelisms, by vertex id. */
export function withMaxParallelism(graph: JobGraph, followed: ReadonlyMap<number, number>): JobGraph {
  const vertices = graph.vertices.map(
    (vertex): JobVertex => ({ ...vertex, maxParallelism: followed.get(vertex.id) ?? vertex.maxParallelism }),
  );
  return { ...graph, vertices };
}

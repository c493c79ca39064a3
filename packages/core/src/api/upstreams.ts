import type { Partitioning, TransformationEdge } from "../graph/transformation.ts";
import type { Type } from "../types/type.ts";
import type { PipelineBuilder } from "./pipeline-builder.ts";

/** Where a stream's records come from, and how they reach the next operator. */
export type Upstream = Omit<TransformationEdge, "input" | "type">;

/** What the pipeline needs to know of a stream, whatever its records are. */
export interface Input {
  readonly builder: PipelineBuilder;
  readonly upstreams: readonly Upstream[];
  readonly type: Type<unknown> | undefined;
}

/** The edges by which a stream feeds input `input` of an operator. */
export function edgesOf(stream: Input, input: 0 | 1): readonly TransformationEdge[] {
  return stream.upstreams.map((upstream) => ({ ...upstream, input, type: stream.type }));
}

/** The stream's upstreams with another partitioning. */
export function partitioned(stream: Input, partitioning: Partitioning): readonly Upstream[] {
  return stream.upstreams.map((upstream) => ({ ...upstream, partitioning }));
}

/** The parallelism that all operators which feed the stream have set; undefined when they differ or have set none. */
export function parallelismOf(stream: Input): number | undefined {
  const [first, ...others] = stream.upstreams.map(({ source }) => source.parallelism);
  return others.every((parallelism) => parallelism === first) ? first : undefined;
}

/**
 * The pipeline as the user built it: operators and the edges between them, before anything is chained. Built by api/,
 * turned into a job graph by `job-graph.ts`.
 */
import type { WriterPartitioning } from "../exchange/record-writer.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { Type } from "../types/type.ts";

/** How records choose among the subtasks of the next operator. */
export type Partitioning = WriterPartitioning;

/** `sideOutput` is the id of the tag when the edge carries a side output of `source`. */
export interface TransformationEdge {
  readonly source: Transformation;
  /** Undefined: forward when the parallelism is equal, rebalance otherwise. */
  readonly partitioning: Partitioning | undefined;
  readonly sideOutput: string | undefined;
  /** Which input of the operator: 0, or 1 for the second input of a connected stream. */
  readonly input: 0 | 1;
  /** What travels on the edge, when it is declared; exchanges between threads use its codec. */
  readonly type: Type<unknown> | undefined;
}

/** One operator of the pipeline. Mutable while the pipeline is being built (`name`, `uid`, `setParallelism`). */
export interface Transformation {
  /** Position in the order of creation, from 0. */
  readonly id: number;
  readonly spec: OperatorSpec;
  readonly inputs: readonly TransformationEdge[];
  /** `file:line:column` of the user's call. */
  readonly callSite: string;
  name: string;
  uid: string | undefined;
  /** Another identity that a checkpoint may hold the operator's state under. */
  uidHash?: string | undefined;
  /** Undefined: the environment's default. */
  parallelism: number | undefined;
  /** Whether its parallelism is 1 whatever happens. */
  isNonParallel?: boolean;
  maxParallelism: number | undefined;
  chaining: "always" | "never" | "head";
  /** Undefined: that of the inputs, see `slot-sharing.ts`. */
  slotSharingGroup?: string | undefined;
}

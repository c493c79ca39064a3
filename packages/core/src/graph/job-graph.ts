/**
 * The pipeline after chaining: vertices are chains of fused operators, edges are exchanges between their subtasks.
 *
 * - G1. State belongs to operators (uid), never to chains.
 * - G2. Vertices and edges form a directed acyclic graph, in topological order by `id`.
 * - G3. Within a vertex, operators are in topological order.
 */
import type { ChainPlan } from "../operators/chain-plan.ts";
import type { Type } from "../types/type.ts";
import type { PlanWarning } from "./lint.ts";
import type { Partitioning } from "./transformation.ts";

export interface JobVertex extends ChainPlan {
  readonly id: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly isMaxParallelismExplicit: boolean;
  /** Vertices of different groups have different slots. */
  readonly slotSharingGroup: string;
  /** By gate number: the edge that feeds it. */
  readonly gates: readonly number[];
}

export interface JobEdge {
  readonly id: number;
  readonly source: number;
  readonly target: number;
  readonly partitioning: Partitioning;
  /** The declared type of the records. */
  readonly type: Type<unknown> | undefined;
}

export interface JobGraph {
  readonly name: string;
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
  /** Changes when anything that state or exchange depends on changes. */
  readonly hash: string;
  readonly warnings: readonly PlanWarning[];
  /** All input is there from the start: see `batch-mode.ts`. No checkpoints are taken. */
  readonly isBatch: boolean;
}

/** What the code generator and a running subtask need to know of one chain of operators. */
import type { OperatorSpec } from "./operator-spec.ts";

export type OperatorInput =
  | { readonly kind: "fused"; readonly from: number; readonly sideOutput: string | undefined; readonly input: 0 | 1 }
  | { readonly kind: "gate"; readonly gate: number; readonly input: 0 | 1 };

/** One operator within a vertex. */
export interface ChainedOperator {
  /** Position in the vertex. */
  readonly index: number;
  readonly uid: string;
  /** Another identity that a checkpoint may hold the state under: what is found there is the operator's. */
  readonly uidHash?: string | undefined;
  readonly name: string;
  readonly spec: OperatorSpec;
  readonly callSite: string;
  readonly inputs: readonly OperatorInput[];
}

/** Where records leave the vertex: from which operator, on which edge. */
export interface ChainOutput {
  readonly operator: number;
  readonly sideOutput: string | undefined;
  readonly edge: number;
}

/** The operators of one vertex, in topological order, and where records leave it. */
export interface ChainPlan {
  readonly name: string;
  readonly operators: readonly ChainedOperator[];
  readonly outputs: readonly ChainOutput[];
  /** Whether every operator gets a copy of its own (`pipeline.object-reuse: false`). */
  readonly copiesRecords: boolean;
  /** Keyed operators get their records key by key, after the end of input. */
  readonly sortsInputs?: boolean;
}

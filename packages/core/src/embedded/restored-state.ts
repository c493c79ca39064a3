/** What the subtasks of an attempt restore, read from a checkpoint and dealt out. */
import type { OperatorRestore } from "../task/chain.ts";

/** By vertex and subtask, then operator uid. */
export interface RestoredState {
  readonly checkpointId: number;
  of(vertexId: number, subtaskIndex: number): ReadonlyMap<string, OperatorRestore>;
}

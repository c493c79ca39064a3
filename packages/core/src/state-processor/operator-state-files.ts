/** The state of one operator on its way into a snapshot. */
import { encodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import type { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { OperatorStateMetadata, OperatorSubtaskState } from "../checkpoint/state-handles.ts";

/** By subtask, what an operator has. */
export interface OperatorState {
  readonly subtasks: readonly { readonly keyed: Uint8Array | undefined; readonly lists: readonly OperatorList[] }[];
}

/** Writes the state of an operator that keeps one. */
export async function writeOperatorState(
  directory: SnapshotDirectory,
  checkpointId: number,
  operator: Pick<OperatorStateMetadata, "uid" | "name" | "maxParallelism">,
  { subtasks }: OperatorState,
): Promise<OperatorStateMetadata> {
  const { uid } = operator;
  const written: OperatorSubtaskState[] = [];
  for (const { keyed, lists } of subtasks) {
    const keyedHandle = keyed === undefined ? undefined : await directory.write(checkpointId, keyed);
    const listsHandle = await directory.write(checkpointId, encodeOperatorLists(lists));
    written.push({ uid, keyed: keyedHandle, lists: listsHandle });
  }
  return { ...operator, parallelism: subtasks.length, isStateful: true, subtasks: written };
}

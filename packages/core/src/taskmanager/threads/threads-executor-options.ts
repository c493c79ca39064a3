import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";
import type { OperatorRestore } from "../../task/chain.ts";
import type { PersistState } from "../state-persister.ts";
import type { ChannelWire } from "./channel-wire.ts";
import type { SlotThreads } from "./slot-threads.ts";

/** The state of the operators of a subtask, by uid. */
export type RestoreOf = (task: SubtaskId) => ReadonlyMap<string, OperatorRestore> | undefined;

export interface ThreadsExecutorOptions {
  readonly graph: JobGraph;
  readonly threads: SlotThreads;
  /** Segments a ring; a power of two. */
  readonly ringSegments: number;
  readonly persist: PersistState;
  /** Reads what the given subtasks restore. */
  readonly readRestore: (checkpoint: LoadedCheckpoint, tasks: readonly SubtaskId[]) => Promise<RestoreOf>;
  /** Carries channels to other processes. Undefined: all slots of the job are here. */
  readonly wire: ChannelWire | undefined;
}

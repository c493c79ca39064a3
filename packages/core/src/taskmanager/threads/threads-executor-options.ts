import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { StateWriter } from "../../checkpoint/checkpoint-storage.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";
import type { LocalFs } from "../../platform/platform.ts";
import type { OperatorRestore } from "../../task/chain.ts";
import type { LocalStateCopies } from "../local-state-copies.ts";
import type { ChannelWire } from "./channel-wire.ts";
import type { SlotThreads } from "./slot-threads.ts";

/** The state of the operators of a subtask, by uid. */
export type RestoreOf = (task: SubtaskId) => ReadonlyMap<string, OperatorRestore> | undefined;

export interface ThreadsExecutorOptions {
  readonly graph: JobGraph;
  readonly threads: SlotThreads;
  /** Segments a ring; a power of two. */
  readonly ringSegments: number;
  /** Where the state of the subtasks goes. */
  readonly storage: StateWriter;
  /** Where the files of their stores are. */
  readonly localFs: LocalFs;
  /** Second copies of what is written to `storage`; left out: none are made. */
  readonly copies?: LocalStateCopies | undefined;
  /** Reads what the given subtasks restore. */
  readonly readRestore: (checkpoint: LoadedCheckpoint, tasks: readonly SubtaskId[]) => Promise<RestoreOf>;
  /** Carries channels to other processes. Undefined: all slots of the job are here. */
  readonly wire: ChannelWire | undefined;
}

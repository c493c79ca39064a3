/** What user functions implement to keep operator state. Any function object may; plain functions keep no state. */
import type { OperatorStateStore } from "../state/operator-state.ts";
import type { KeyedStateStore } from "./functions.ts";

/** What a function gets when its state is set up. Valid only during the call. @public */
export interface FunctionInitializationContext {
  /** Whether the job continues from a checkpoint. True, too, for an operator that the checkpoint knows nothing of. */
  readonly isRestored: boolean;
  /** The checkpoint that the job continues from. */
  readonly restoredCheckpointId: number | undefined;
  readonly operatorStateStore: OperatorStateStore;
  /** Keyed state, as in `open`. @throws MillraceError `MR_STATE_NOT_KEYED` by its methods, unless the stream is keyed */
  readonly keyedStateStore: KeyedStateStore;
  /** What `addRawOperatorState` was given, dealt out round robin after a rescale. Copy what you keep of the arrays. */
  getRawOperatorStateInputs(): readonly Uint8Array[];
}

/** What a function gets at a barrier. Valid only during the call. @public */
export interface FunctionSnapshotContext {
  readonly checkpointId: number;
  /** When the barrier came to this subtask, epoch ms. */
  readonly checkpointTimestamp: number;
  /**
   * Adds bytes that the engine does not look into to this checkpoint. Each call adds one partition, which goes to one
   * subtask as a whole; nothing of it is kept for the next checkpoint. The bytes are copied.
   */
  addRawOperatorState(partition: Uint8Array): void;
}

/**
 * A function with operator state: `initializeState` comes before `open`, `snapshotState` at every barrier, between two
 * records. It goes with any function object; sources and sinks keep state by their own contracts.
 *
 * @example
 * class Numbering implements MapFunction<string, string>, CheckpointedFunction {
 *   private count = 0;
 *   private counts!: ListState<number>;
 *   initializeState(context: FunctionInitializationContext): void {
 *     this.counts = context.operatorStateStore.getListState(listState("counts", t.int64));
 *     for (const count of this.counts.get()) this.count += count;
 *   }
 *   snapshotState(): void {
 *     this.counts.update([this.count]);
 *   }
 *   map(line: string): string {
 *     return `${this.count++} ${line}`;
 *   }
 * }
 * @public
 */
export interface CheckpointedFunction {
  initializeState(context: FunctionInitializationContext): void;
  snapshotState(context: FunctionSnapshotContext): void;
}

/**
 * A function whose state is one list, which is dealt out round robin after a rescale. The short form of
 * {@link CheckpointedFunction}, which a function that has both methods is taken for.
 *
 * @public
 */
export interface ListCheckpointed<T> {
  /** @returns The elements; they are written before the next record comes. */
  snapshotState(checkpointId: number, timestampMs: number): readonly T[];
  /** Called before `open` when the job continues from a checkpoint, with what this subtask gets: maybe nothing. */
  restoreState(elements: readonly T[]): void;
}

/** Whether a checkpoint holds operator state of the function. @internal */
export function isCheckpointed(fn: unknown): boolean {
  if (typeof fn !== "object" || fn === null) return false;
  return "initializeState" in fn || "restoreState" in fn;
}

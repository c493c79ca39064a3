import { invariant } from "../base/errors.ts";
import type { SubtaskCheckpointMetrics } from "../checkpoint/checkpoint-statistics.ts";
import type { CheckpointStorage } from "../checkpoint/checkpoint-storage.ts";
import { encodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import type { OperatorSubtaskState, StateHandle } from "../checkpoint/state-handles.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { StoreSnapshot } from "../state/store-snapshot.ts";
import type { EncodedOperatorState, SubtaskSnapshot } from "../task/snapshot-in-progress.ts";

/** Makes one subtask's state durable. */
export type PersistState = (
  checkpointId: number,
  state: readonly EncodedOperatorState[],
) => Promise<readonly OperatorSubtaskState[]>;

/** Writes to a checkpoint storage. */
export function persistTo(storage: Pick<CheckpointStorage, "write">): PersistState {
  return (checkpointId, state) =>
    Promise.all(
      state.map(async ({ uid, keyed, lists, channels }) => ({
        uid,
        keyed: keyed === undefined ? undefined : await storage.write(checkpointId, bytesOf(keyed)),
        ...listsOf(lists, await storage.write(checkpointId, encodeOperatorLists(lists))),
        ...(channels === undefined
          ? {}
          : { channels: { handle: await storage.write(checkpointId, channels.bytes), edges: channels.edges } }),
      })),
    );
}

function bytesOf(keyed: Uint8Array | StoreSnapshot): Uint8Array {
  invariant(keyed instanceof Uint8Array, "keyed state in a local store, which no state backend has");
  return keyed;
}

function listsOf(
  lists: readonly OperatorList[],
  handle: StateHandle,
): Pick<OperatorSubtaskState, "lists" | "areListsOwn"> {
  const isOwn = handle.kind === "file" && lists.every(({ mode }) => mode === "split");
  return { lists: handle, ...(isOwn ? { areListsOwn: true as const } : {}) };
}

/** What becomes of a subtask's state. */
export interface AcknowledgeListener {
  onAcknowledged(
    task: SubtaskId,
    checkpointId: number,
    state: readonly OperatorSubtaskState[],
    metrics: SubtaskCheckpointMetrics,
  ): void;
  onDeclined(task: SubtaskId, checkpointId: number, reason: unknown): void;
}

/** Makes the state of an attempt's subtasks durable and acknowledges it, until the attempt ends. */
export class StatePersister {
  readonly #persist: PersistState;
  readonly #listener: AcknowledgeListener;
  readonly #persisting = new Set<Promise<void>>();
  #isEnded = false;

  constructor(persist: PersistState, listener: AcknowledgeListener) {
    this.#persist = persist;
    this.#listener = listener;
  }

  persist(task: SubtaskId, checkpointId: number, { operators, metrics }: SubtaskSnapshot): void {
    const persisted: Promise<void> = this.#persist(checkpointId, operators)
      .then(
        (handles) => {
          if (!this.#isEnded) this.#listener.onAcknowledged(task, checkpointId, handles, metrics);
        },
        (error: unknown) => {
          if (!this.#isEnded) this.#listener.onDeclined(task, checkpointId, error);
        },
      )
      .finally(() => this.#persisting.delete(persisted));
    this.#persisting.add(persisted);
  }

  /** Acknowledges nothing any more. */
  end(): void {
    this.#isEnded = true;
  }

  /** Settles when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#persisting]);
  }
}

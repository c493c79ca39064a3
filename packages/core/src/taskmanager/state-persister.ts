import type { SubtaskCheckpointMetrics } from "../checkpoint/checkpoint-statistics.ts";
import { encodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import type { KeyedStateHandle, OperatorSubtaskState, StateHandle } from "../checkpoint/state-handles.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { StoreSnapshot } from "../state/store-snapshot.ts";
import type { EncodedOperatorState, SubtaskSnapshot } from "../task/snapshot-in-progress.ts";
import { StoreUploads, type StoreUploadsOptions } from "./store-uploads.ts";

/** Where the state of an attempt's subtasks goes, and comes from. */
export interface StatePersisterOptions extends StoreUploadsOptions {
  readonly listener: AcknowledgeListener;
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
  readonly #options: StatePersisterOptions;
  readonly #stores: StoreUploads;
  readonly #persisting = new Set<Promise<void>>();
  #isEnded = false;

  constructor(options: StatePersisterOptions) {
    this.#options = options;
    this.#stores = new StoreUploads(options);
  }

  persist(task: SubtaskId, checkpointId: number, snapshot: SubtaskSnapshot): void {
    const persisted: Promise<void> = this.#persist(task, checkpointId, snapshot).finally(() =>
      this.#persisting.delete(persisted),
    );
    this.#persisting.add(persisted);
  }

  /** Nobody wants the snapshot any more. */
  drop({ operators }: SubtaskSnapshot): void {
    const dropped: Promise<void> = this.#stores
      .drop(operators.flatMap(({ keyed }) => (keyed === undefined || keyed instanceof Uint8Array ? [] : [keyed])))
      .finally(() => this.#persisting.delete(dropped));
    this.#persisting.add(dropped);
  }

  /** Acknowledges nothing any more. */
  end(): void {
    this.#isEnded = true;
  }

  /** Settles when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#persisting]);
  }

  async #persist(task: SubtaskId, checkpointId: number, { operators, metrics }: SubtaskSnapshot): Promise<void> {
    const { listener } = this.#options;
    /** Shared files that nobody knows of before they are acknowledged. */
    const written: string[] = [];
    try {
      const state = await this.write(checkpointId, operators, written);
      if (!this.#isEnded) {
        listener.onAcknowledged(task, checkpointId, state, metrics);
        return;
      }
    } catch (error) {
      if (!this.#isEnded) listener.onDeclined(task, checkpointId, error);
    }
    await this.#removeWritten(checkpointId, written);
  }

  /** @param written - Gets the names of shared files as they are written, also when something fails. */
  async write(
    checkpointId: number,
    operators: readonly EncodedOperatorState[],
    written: string[],
  ): Promise<readonly OperatorSubtaskState[]> {
    const writing = operators.map((each) => this.#writeOperator(checkpointId, each, written));
    // Whoever removes what was written must not do so while the rest is being written.
    await Promise.allSettled(writing);
    return Promise.all(writing);
  }

  async #writeOperator(
    checkpointId: number,
    { uid, keyed, lists, channels }: EncodedOperatorState,
    written: string[],
  ): Promise<OperatorSubtaskState> {
    return {
      uid,
      keyed: keyed === undefined ? undefined : await this.#writeKeyed(checkpointId, keyed, written),
      ...listsOf(lists, await this.#writeBytes(checkpointId, encodeOperatorLists(lists))),
      ...(channels === undefined
        ? {}
        : { channels: { handle: await this.#writeBytes(checkpointId, channels.bytes), edges: channels.edges } }),
    };
  }

  #writeKeyed(checkpointId: number, keyed: Uint8Array | StoreSnapshot, written: string[]): Promise<KeyedStateHandle> {
    return keyed instanceof Uint8Array
      ? this.#writeBytes(checkpointId, keyed)
      : this.#stores.upload(checkpointId, keyed, written);
  }

  #writeBytes(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    const { storage, copies } = this.#options;
    const written = storage.write(checkpointId, bytes);
    return copies === undefined ? written : copies.writing(checkpointId, written, bytes);
  }

  async #removeWritten(checkpointId: number, written: readonly string[]): Promise<void> {
    try {
      await this.#options.storage.removeShared(checkpointId, written);
    } catch {
      // The storage does not work, as whoever waited for the checkpoint has heard; a sweep removes what is left.
    }
  }
}

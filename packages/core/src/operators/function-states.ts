/**
 * The operator state of the user functions of one operator in one subtask, whatever the operator is: the chain restores it
 * before the operator opens and takes it at every barrier.
 *
 * - F1. `initializeState` comes before `open`; `snapshotState` before the operator's own snapshot, so that what it writes to
 *   keyed state is in the checkpoint.
 * - F2. The lists of functions have names that no list of an operator has.
 */

import type { Clock } from "../platform/platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import type { OperatorStateStore } from "../state/operator-state.ts";
import {
  type EncodedOperatorState,
  OperatorStateBackend,
  type OperatorStateMode,
} from "../state/operator-state-backend.ts";
import type { KeyedStateDescriptor } from "../state/state-descriptors.ts";
import { listState } from "../state/state-descriptors.ts";
import type { Schema } from "../types/type.ts";
import type { CheckpointedFunction, FunctionInitializationContext, ListCheckpointed } from "./checkpointed-function.ts";
import type { KeyedStateStore, RuntimeContext } from "./functions.ts";

/** What the checkpoint says about a list besides its elements. */
export interface ListHeader {
  readonly mode: OperatorStateMode;
  readonly schema: Schema;
}

/** What the functions' states need to know of their operator. */
export interface FunctionStatesHost {
  readonly operatorName: string;
  readonly uid: string;
  readonly clock: Pick<Clock, "wallMs">;
  readonly restoredCheckpointId: number | undefined;
  readonly context: KeyedStateStore;
}

/** The runtime context as the engine sees it. */
export interface FunctionContext extends RuntimeContext {
  readonly functionStates: FunctionStates;
  /** The handle of a keyed state, whatever its kind. @throws MillraceError `MR_STATE_NOT_KEYED` */
  keyedState(descriptor: KeyedStateDescriptor): unknown;
}

const PREFIX = "function/";
const RAW = "function-raw";
/** The name that Flink gives the list of a `ListCheckpointed` function. */
const DEFAULT_LIST = "_default_";
const BYTES: Schema = { kind: "bytes" };

type Snapshot = (checkpointId: number, timestampMs: number) => void;

export class FunctionStates {
  readonly #host: FunctionStatesHost;
  readonly #backend: OperatorStateBackend;
  readonly #snapshots: Snapshot[] = [];
  #raw: Uint8Array[] = [];
  #restoredRaw: readonly Uint8Array[] = [];

  constructor(host: FunctionStatesHost) {
    this.#host = host;
    this.#backend = new OperatorStateBackend(host);
  }

  get store(): OperatorStateStore {
    return this.#backend;
  }

  restore(
    lists: ReadonlyMap<string, readonly Uint8Array[]>,
    headers: ReadonlyMap<string, ListHeader> = new Map(),
  ): void {
    this.#restoredRaw = lists.get(RAW) ?? [];
    this.#backend.restore(
      [...lists]
        .filter(([name]) => name.startsWith(PREFIX))
        .map(([name, elements]) => {
          const { mode, schema } = headers.get(name)!;
          return { name: name.slice(PREFIX.length), mode, schema, elements };
        }),
    );
  }

  /** Lets a function with operator state take it back, before it is opened. */
  initialize(fn: object): void {
    if ("initializeState" in fn) this.#initializeCheckpointed(fn as CheckpointedFunction);
    else this.#initializeList(fn as ListCheckpointed<unknown>);
  }

  /** The lists that the functions have registered, as a checkpoint names them. */
  registered(): readonly { readonly name: string; readonly mode: OperatorStateMode; readonly schema: Schema }[] {
    return this.#backend.encode().map(({ name, mode, schema }) => ({ name: `${PREFIX}${name}`, mode, schema }));
  }

  /** Asks the functions for their state (F1). @param table - No key of it is current meanwhile. */
  snapshot(checkpointId: number, table: KeyedStateTable | undefined): readonly EncodedOperatorState[] {
    if (this.#snapshots.length > 0) table?.selectNone();
    this.#raw = [];
    for (const snapshot of this.#snapshots) snapshot(checkpointId, this.#host.clock.wallMs());
    const lists: EncodedOperatorState[] = this.#backend
      .encode()
      .map((state) => ({ ...state, name: `${PREFIX}${state.name}` }));
    if (this.#raw.length > 0) lists.push({ name: RAW, mode: "split", schema: BYTES, elements: this.#raw });
    return lists;
  }

  #initializeCheckpointed(fn: CheckpointedFunction): void {
    const { restoredCheckpointId, context } = this.#host;
    const initialization: FunctionInitializationContext = {
      isRestored: restoredCheckpointId !== undefined,
      restoredCheckpointId,
      operatorStateStore: this.#backend,
      keyedStateStore: context,
      getRawOperatorStateInputs: () => this.#restoredRaw,
    };
    fn.initializeState(initialization);
    this.#snapshots.push((checkpointId, checkpointTimestamp) => {
      const addRawOperatorState = (partition: Uint8Array): void => void this.#raw.push(partition.slice());
      fn.snapshotState({ checkpointId, checkpointTimestamp, addRawOperatorState });
    });
  }

  #initializeList(fn: ListCheckpointed<unknown>): void {
    const list = this.#backend.getListState(listState<unknown>(DEFAULT_LIST));
    if (this.#host.restoredCheckpointId !== undefined) fn.restoreState(list.get());
    this.#snapshots.push((checkpointId, timestampMs) => list.update(fn.snapshotState(checkpointId, timestampMs)));
  }
}

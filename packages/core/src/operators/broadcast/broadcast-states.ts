import { MillraceError } from "../../base/errors.ts";
import type { BroadcastState } from "../../state/operator-state.ts";
import type { MapStateDescriptor } from "../../state/state-descriptors.ts";
import type { OperatorHost } from "../operator-runtime.ts";

type AnyBroadcastState = BroadcastState<unknown, unknown>;
type Where = Readonly<Record<string, string>>;

/** The broadcast states of one operator: those that its stream was broadcast with, and no others. */
export class BroadcastStates {
  /** Whether the record at hand goes to one subtask only. */
  isReadOnly = true;
  readonly #states = new Map<string, { readonly writable: AnyBroadcastState; readonly readOnly: AnyBroadcastState }>();
  readonly #where: Where;

  constructor(host: OperatorHost, descriptors: readonly MapStateDescriptor<unknown, unknown>[]) {
    this.#where = { operator: host.operatorName, uid: host.uid };
    for (const descriptor of descriptors) {
      const writable = host.context.functionStates.store.getBroadcastState(descriptor);
      const readOnly = new ReadOnlyState(writable, { ...this.#where, state: descriptor.name });
      this.#states.set(descriptor.name, { writable, readOnly });
    }
  }

  of<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    const state = this.#states.get(descriptor.name);
    if (state === undefined) throw this.#unknown(descriptor.name);
    // The state was registered with a descriptor of this name and its types.
    return (this.isReadOnly ? state.readOnly : state.writable) as BroadcastState<K, V>;
  }

  checkWritable(method: string): void {
    if (this.isReadOnly) throw readOnly(method, this.#where);
  }

  #unknown(name: string): MillraceError {
    return new MillraceError("MR_BROADCAST_STATE_UNKNOWN", {
      what: "A function asked for a broadcast state that its stream was not broadcast with",
      where: this.#where,
      found: JSON.stringify(name),
      expected: [...this.#states.keys()].map((known) => JSON.stringify(known)).join(" or "),
      todo: "Pass the descriptor to broadcast(…), or correct its name",
    });
  }
}

/** The reader's side. Types hide the methods that change the state; who calls them all the same is told. */
class ReadOnlyState implements AnyBroadcastState {
  readonly #state: AnyBroadcastState;
  readonly #where: Where;

  constructor(state: AnyBroadcastState, where: Where) {
    this.#state = state;
    this.#where = where;
  }

  get(key: unknown): unknown {
    return this.#state.get(key);
  }

  contains(key: unknown): boolean {
    return this.#state.contains(key);
  }

  immutableEntries(): IterableIterator<[unknown, unknown]> {
    return this.#state.immutableEntries();
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return this.#state.immutableEntries();
  }

  put(): never {
    throw readOnly("put", this.#where);
  }

  putAll(): never {
    throw readOnly("putAll", this.#where);
  }

  remove(): never {
    throw readOnly("remove", this.#where);
  }

  clear(): never {
    throw readOnly("clear", this.#where);
  }
}

function readOnly(method: string, where: Where): MillraceError {
  return new MillraceError("MR_BROADCAST_STATE_READ_ONLY", {
    what: "State was to be changed in all subtasks for a record that only one of them gets",
    where,
    found: `${method}() in processElement or onTimer`,
    expected: "such changes in processBroadcastElement only, so that all subtasks keep the same state",
    todo: "Change it in processBroadcastElement, or use keyed state",
  });
}

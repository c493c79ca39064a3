/** The states of the window at hand by descriptor: one set for its function, another for its trigger. */
import type { KeyedStateDescriptor } from "../../state/state-descriptors.ts";
import { createStateHandle } from "../../state/state-handles.ts";
import { TypedStates } from "../typed-states.ts";
import type { WindowStateTable } from "./window-state-table.ts";

export class WindowStates extends TypedStates {
  readonly #table: WindowStateTable;
  readonly #prefix: string;
  readonly #handles = new Map<string, unknown>();

  /** @param prefix - Keeps the names of states apart from others of the operator. */
  constructor(table: WindowStateTable, prefix: string) {
    super();
    this.#table = table;
    this.#prefix = prefix;
  }

  override keyedState(descriptor: KeyedStateDescriptor): unknown {
    const known = this.#handles.get(descriptor.name);
    if (known !== undefined) return known;
    this.#table.namePrefix = this.#prefix;
    const handle = createStateHandle(this.#table, descriptor);
    this.#handles.set(descriptor.name, handle);
    return handle;
  }
}

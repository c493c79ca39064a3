import { MillraceError } from "../base/errors.ts";
import { TypedStates } from "../operators/typed-states.ts";
import type { Clock } from "../platform/platform.ts";
import { KeyedStateTable } from "../state/keyed-state-table.ts";
import type { KeyedStateDescriptor } from "../state/state-descriptors.ts";
import { createStateHandle } from "../state/state-handles.ts";

/** Whose table it is. */
export interface TableOwner {
  readonly operatorName: string;
  readonly uid: string;
  readonly clock: Pick<Clock, "wallMs">;
}

/** The keyed states of one operator outside of a job: as a function of the job registers them, over a table of their own. */
export class TableStates extends TypedStates {
  readonly table: KeyedStateTable;
  readonly #owner: TableOwner;
  readonly #handles = new Map<string, unknown>();
  #isSealed = false;

  constructor(owner: TableOwner, maxParallelism: number) {
    super();
    this.#owner = owner;
    this.table = new KeyedStateTable(owner, maxParallelism);
  }

  /** From now on no other state is registered. */
  seal(): void {
    this.#isSealed = true;
  }

  override keyedState(descriptor: KeyedStateDescriptor): unknown {
    const known = this.#handles.get(descriptor.name);
    if (known !== undefined) return known;
    if (this.#isSealed) throw registeredLate(this.#owner.uid, descriptor.name);
    const handle = createStateHandle(this.table, descriptor);
    this.#handles.set(descriptor.name, handle);
    return handle;
  }
}

function registeredLate(uid: string, state: string): MillraceError {
  return new MillraceError("MR_ARGUMENT_INVALID", {
    what: "A function has asked for a state that it did not ask for in open",
    where: { uid, state },
    expected: "all states in open: what they hold is read before the function is called for a key",
    todo: "Get the state in open, and keep it in a field",
  });
}

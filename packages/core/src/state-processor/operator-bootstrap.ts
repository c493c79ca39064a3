/** Makes the lists and broadcast states of an operator out of elements. */
import { MillraceError } from "../base/errors.ts";
import { isCheckpointed } from "../operators/checkpointed-function.ts";
import { FunctionStates } from "../operators/function-states.ts";
import { TypedStates } from "../operators/typed-states.ts";
import type { KeyedStateDescriptor } from "../state/state-descriptors.ts";
import type {
  BroadcastStateBootstrapContext,
  BroadcastStateBootstrapFunction,
  StateBootstrapFunction,
} from "./bootstrap-functions.ts";
import type { BootstrapElements, BootstrapTarget } from "./bootstrap-target.ts";
import type { OperatorState } from "./operator-state-files.ts";

/** In one subtask: a job deals it out to those that it has. @throws MillraceError `MR_VALUE_UNSERIALIZABLE`, and what the function throws */
export async function bootstrapOperatorState<T>(
  target: BootstrapTarget,
  elements: BootstrapElements<T>,
  fn: StateBootstrapFunction<T> | BroadcastStateBootstrapFunction<T>,
): Promise<OperatorState> {
  const { clock, checkpointId } = target;
  const states = new FunctionStates({
    ...target,
    restoredCheckpointId: undefined,
    context: new NoKeyedStates(target.uid),
  });
  if (isCheckpointed(fn)) states.initialize(fn);
  const context: BroadcastStateBootstrapContext = {
    currentProcessingTime: () => clock.wallMs(),
    getBroadcastState: (descriptor) => states.store.getBroadcastState(descriptor),
  };
  for await (const element of elements) fn.processElement(element, context);
  return { subtasks: [{ keyed: undefined, lists: states.snapshot(checkpointId, undefined) }] };
}

/** Elements without a key have no keyed state. */
class NoKeyedStates extends TypedStates {
  readonly #uid: string;

  constructor(uid: string) {
    super();
    this.#uid = uid;
  }

  override keyedState(descriptor: KeyedStateDescriptor): never {
    throw new MillraceError("MR_STATE_NOT_KEYED", {
      what: "Keyed state was asked for by a function that is given elements without keys",
      where: { uid: this.#uid, state: descriptor.name },
      todo: "Call keyBy before transform",
    });
  }
}

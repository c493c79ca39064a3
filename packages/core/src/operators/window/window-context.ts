/** What the functions of windows with triggers are called with. One object per operator, reused for every call. */
import { MillraceError } from "../../base/errors.ts";
import { GlobalWindow, type Window } from "../../time/window.ts";
import type { KeyedStateStore, ProcessWindowContext } from "../functions.ts";
import { OperatorContext } from "../keyed-context.ts";
import type { BaseOperator } from "../operator-runtime.ts";
import type { WindowStates } from "./window-states.ts";

export class GeneralWindowContext extends OperatorContext implements ProcessWindowContext<Window> {
  /** Set by the operator before every call. */
  window: Window = GlobalWindow.get();
  /** Undefined where windows merge. */
  readonly #windowState: WindowStates | undefined;

  constructor(operator: BaseOperator, windowState: WindowStates | undefined) {
    super(operator);
    this.#windowState = windowState;
  }

  windowState(): KeyedStateStore {
    if (this.#windowState !== undefined) return this.#windowState;
    throw windowStateUnavailable(this.operator.host.operatorName, "windows that merge");
  }

  globalState(): KeyedStateStore {
    return this.operator.host.context;
  }
}

export function windowStateUnavailable(operator: string, found: string): MillraceError {
  return new MillraceError("MR_WINDOW_STATE_UNAVAILABLE", {
    what: "State of a single window was asked for where there is none",
    where: { operator },
    found,
    expected: "a function with clear(context), and windows that do not merge",
    todo: "Give the function a clear method, or keep the state in globalState()",
  });
}

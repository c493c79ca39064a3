/** What a window with triggers emits: its result, or what the user's function makes of it. */
import { MillraceError, unreachable } from "../../base/errors.ts";
import { cloneFunction, invokeClose, invokeOpen } from "../clone-function.ts";
import type { Collector, ProcessWindowFunction } from "../functions.ts";
import type { WindowEmit, WindowFold } from "../operator-spec.ts";
import type { StreamOperator } from "../stream-operator.ts";
import type { GeneralWindowContext } from "./window-context.ts";

/** The operator as its emission sees it. */
export type EmittingOperator = StreamOperator & { readonly context: GeneralWindowContext };

export interface WindowEmission {
  open(operator: EmittingOperator): void;
  close(): void;
  /** The window and its timestamp are those of the operator's context. */
  emit(result: unknown): void;
  /** Called when a window is dropped; undefined when nobody wants to know. */
  readonly clear: (() => void) | undefined;
}

type AnyProcess = ProcessWindowFunction<unknown, unknown, unknown, never>;

/** One subtask's emission, with its own instance of the user's function. */
export function emissionOf(emit: WindowEmit, fold: WindowFold, operatorName: string): WindowEmission {
  switch (emit.kind) {
    case "value":
      return new FunctionEmission(undefined, fold, undefined);
    case "function":
      return new FunctionEmission(emit.fn as ResultFunction, fold, emit.fn);
    case "process":
      return new ProcessEmission(cloneFunction<unknown>(emit.fn, operatorName) as AnyProcess, fold);
    default:
      return unreachable(emit);
  }
}

type ResultFunction = (key: unknown, window: unknown, result: unknown) => unknown;

/** An evictor may leave nothing to reduce; an aggregation of nothing has a result. */
function isNothing(result: unknown, fold: WindowFold): boolean {
  return result === undefined && fold.kind === "reduce";
}

abstract class BaseEmission implements WindowEmission {
  readonly clear: (() => void) | undefined = undefined;
  protected operator!: EmittingOperator;
  protected readonly fold: WindowFold;
  readonly #fn: unknown;

  constructor(fn: unknown, fold: WindowFold) {
    this.#fn = fn;
    this.fold = fold;
  }

  open(operator: EmittingOperator): void {
    this.operator = operator;
    invokeOpen(this.#fn, operator.host.context);
  }

  close(): void {
    invokeClose(this.#fn);
  }

  abstract emit(result: unknown): void;

  protected refusePromise(method: string, returned: unknown): void {
    if (!(returned instanceof Promise)) return;
    throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
      what: `The ${method} function returned a Promise`,
      where: { operator: this.operator.host.operatorName, uid: this.operator.host.uid },
      expected: "a plain value: functions on the data path are synchronous",
      todo: "Do the waiting in an asynchronous operator, or look the data up before the job starts",
    });
  }
}

class FunctionEmission extends BaseEmission {
  readonly #make: ResultFunction | undefined;

  constructor(make: ResultFunction | undefined, fold: WindowFold, fn: unknown) {
    super(fn, fold);
    this.#make = make;
  }

  override emit(result: unknown): void {
    if (isNothing(result, this.fold)) return;
    const { context, table } = this.operator;
    const made = this.#make === undefined ? result : this.#make(table!.currentKey, context.window, result);
    this.refusePromise("window", made);
    this.operator.emit(made, context.timestamp);
  }
}

class ProcessEmission extends BaseEmission {
  override readonly clear: (() => void) | undefined;
  readonly #process: AnyProcess;
  readonly #collector: Collector<unknown> = {
    collect: (value) => this.operator.emit(value, this.operator.context.timestamp),
  };

  constructor(fn: AnyProcess, fold: WindowFold) {
    super(fn, fold);
    this.#process = fn;
    this.clear = fn.clear === undefined ? undefined : () => fn.clear!(this.operator.context as never);
  }

  override emit(result: unknown): void {
    if (isNothing(result, this.fold)) return;
    const { context, table } = this.operator;
    const elements = this.fold.kind === "list" ? (result as readonly unknown[]) : [result];
    const returned: unknown = this.#process.process(table!.currentKey, context as never, elements, this.#collector);
    this.refusePromise("process", returned);
  }
}

/** The functions of Flink that see a window's elements, all as process functions of a keyed window. */
import { FunctionWrapper, invokeClose, invokeOpen } from "../clone-function.ts";
import type { FunctionContext } from "../function-states.ts";
import type {
  AllWindowFunction,
  Collector,
  ProcessAllWindowFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
  WindowFunction,
} from "../functions.ts";

type U = unknown;
type W = never;

abstract class Wrapper<F> extends FunctionWrapper implements ProcessWindowFunction<U, U, U, W> {
  protected readonly fn: F;

  constructor(fn: F) {
    super();
    this.fn = fn;
  }

  // The engine opens functions with its own view of the context, which the user's function is opened with, too.
  open(context: FunctionContext): void {
    invokeOpen(this.fn, context);
  }

  close(): void {
    invokeClose(this.fn);
  }

  abstract process(key: U, context: ProcessWindowContext<W>, elements: Iterable<U>, out: Collector<U>): unknown;
}

type ApplyFunction = WindowFunction<U, U, U, W>;

/** A `WindowFunction`, or a plain function that does the same. */
export class ApplyWrapper extends Wrapper<ApplyFunction | ApplyFunction["apply"]> {
  override process(key: U, context: ProcessWindowContext<W>, elements: Iterable<U>, out: Collector<U>): unknown {
    if (typeof this.fn === "function") return this.fn(key, context.window, elements, out);
    return this.fn.apply(key, context.window, elements, out);
  }

  override copyWrapped(copy: <C>(fn: C) => C): FunctionWrapper {
    return new ApplyWrapper(copy(this.fn));
  }
}

type ApplyAllFunction = AllWindowFunction<U, U, W>;

/** An `AllWindowFunction`, or a plain function that does the same. */
export class ApplyAllWrapper extends Wrapper<ApplyAllFunction | ApplyAllFunction["apply"]> {
  override process(_key: U, context: ProcessWindowContext<W>, elements: Iterable<U>, out: Collector<U>): unknown {
    if (typeof this.fn === "function") return this.fn(context.window, elements, out);
    return this.fn.apply(context.window, elements, out);
  }

  override copyWrapped(copy: <C>(fn: C) => C): FunctionWrapper {
    return new ApplyAllWrapper(copy(this.fn));
  }
}

/** A `ProcessAllWindowFunction`. */
export class ProcessAllWrapper extends Wrapper<ProcessAllWindowFunction<U, U, W>> {
  override process(_key: U, context: ProcessWindowContext<W>, elements: Iterable<U>, out: Collector<U>): unknown {
    return this.fn.process(context, elements, out);
  }

  override copyWrapped(copy: <C>(fn: C) => C): FunctionWrapper {
    return new ProcessAllWrapper(copy(this.fn));
  }
}

/** As `ProcessAllWrapper`, for a function with `clear`: only such a function may keep state per window. */
export class ClearingProcessAllWrapper extends ProcessAllWrapper {
  clear(context: ProcessWindowContext<W>): void {
    this.fn.clear?.(context);
  }

  override copyWrapped(copy: <C>(fn: C) => C): FunctionWrapper {
    return new ClearingProcessAllWrapper(copy(this.fn));
  }
}

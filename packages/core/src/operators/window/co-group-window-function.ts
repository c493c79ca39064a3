/**
 * Joins of two streams in windows: both become one stream of tagged records, whose window function takes the sides apart
 * again. What makes windows, keeps their records and decides when they fire is the window operator's.
 */
import { MillraceError } from "../../base/errors.ts";
import { FunctionWrapper, invokeClose, invokeOpen } from "../clone-function.ts";
import type { FunctionContext } from "../function-states.ts";
import type {
  CoGroupFunction,
  Collector,
  FlatJoinFunction,
  JoinFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
} from "../functions.ts";

type U = unknown;

/** A record of one of two streams that meet in windows. The name of the property says of which. @public */
export type TaggedUnion<T1, T2> = { readonly first: T1 } | { readonly second: T2 };

/** What a user gives to `apply`, by what the method is called. @internal */
export type WindowJoining =
  | {
      readonly kind: "coGroup";
      readonly fn: ((first: readonly U[], second: readonly U[]) => Iterable<U>) | CoGroupFunction<U, U, U>;
    }
  | {
      readonly kind: "join";
      readonly fn: ((first: U, second: U) => U) | JoinFunction<U, U, U> | FlatJoinFunction<U, U, U>;
    };

/** What happens to the two sides of one window. */
type Apply = (first: readonly U[], second: readonly U[], out: Collector<U>) => void;

/** The function of a window of tagged records. @internal */
export class CoGroupWindowFunction extends FunctionWrapper implements ProcessWindowFunction<TaggedUnion<U, U>, U, U> {
  readonly #joining: WindowJoining;
  readonly #apply: Apply;

  constructor(joining: WindowJoining) {
    super();
    this.#joining = joining;
    this.#apply = applyOf(joining);
  }

  override copyWrapped(copy: <F>(fn: F) => F): FunctionWrapper {
    const { kind, fn } = this.#joining;
    // The copy is of the same kind as what it was made of.
    return new CoGroupWindowFunction({ kind, fn: copy<unknown>(fn) } as WindowJoining);
  }

  open(context: FunctionContext): void {
    invokeOpen(this.#joining.fn, context);
  }

  process(_key: U, _context: ProcessWindowContext, elements: Iterable<TaggedUnion<U, U>>, out: Collector<U>): void {
    const first: U[] = [];
    const second: U[] = [];
    for (const element of elements) {
      if ("first" in element) first.push(element.first);
      else second.push(element.second);
    }
    this.#apply(first, second, out);
  }

  close(): void {
    invokeClose(this.#joining.fn);
  }
}

function applyOf(joining: WindowJoining): Apply {
  if (joining.kind === "join") return pairwise(joining.fn);
  const { fn } = joining;
  if (typeof fn !== "function") {
    return (first, second, out) => refusePromise(fn.coGroup(first, second, out), "coGroup");
  }
  return (first, second, out) => {
    const results = fn(first, second);
    refusePromise(results, "coGroup");
    for (const result of results) out.collect(result);
  };
}

// An inner join: a record without a partner in its window has no pair.
function pairwise(fn: Extract<WindowJoining, { kind: "join" }>["fn"]): Apply {
  const join = joinOf(fn);
  return (first, second, out) => {
    for (const left of first) {
      for (const right of second) join(left, right, out);
    }
  };
}

function joinOf(fn: Extract<WindowJoining, { kind: "join" }>["fn"]): (first: U, second: U, out: Collector<U>) => void {
  if (typeof fn !== "function" && "flatJoin" in fn) {
    return (first, second, out) => refusePromise(fn.flatJoin(first, second, out), "flatJoin");
  }
  return (first, second, out) => {
    const result = typeof fn === "function" ? fn(first, second) : fn.join(first, second);
    refusePromise(result, "join");
    out.collect(result);
  };
}

function refusePromise(returned: unknown, method: string): void {
  if (!(returned instanceof Promise)) return;
  throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
    what: `The ${method} function of a window returned a Promise`,
    expected: "a plain value: functions on the data path are synchronous",
    todo: "Do the waiting in an asynchronous operator, or look the data up before the job starts",
  });
}

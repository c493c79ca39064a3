/** What the methods with asynchronous functions have in common: checks of their arguments, and the operator they add. */
import { type Duration, durationMs } from "../base/duration.ts";
import type { AsyncOptions } from "../operators/async/async-functions.ts";
import type { AsyncSettings } from "../operators/async/async-operator.ts";
import { asyncSpec } from "../operators/async/async-spec.ts";
import { addOperator } from "./add-operator.ts";
import { describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { Input } from "./upstreams.ts";

/** As in Flink. */
export const DEFAULT_CAPACITY = 100;

/** More requests at once than that are a mistake: every one of them is in every checkpoint. */
const CAPACITY_MAX = 1_000_000;

/** Timers of a host hold no more. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function addAsyncOperator<T, R, One>(
  input: Input,
  call: UserCall,
  fn: unknown,
  method: AsyncSettings["method"],
  options: AsyncOptions<T, One>,
): SingleOutputStreamOperator<R> {
  checkAsyncFunction(call, fn, method);
  checkAsyncOptions(call, options);
  const { capacity = DEFAULT_CAPACITY, ordered = true, timeout, retry, onTimeout } = options;
  const spec = asyncSpec({
    fn,
    method,
    capacity,
    timeoutMs: timeout === undefined ? Number.POSITIVE_INFINITY : checkTimeout(call, timeout),
    isOrdered: ordered,
    retry: erased(retry),
    onTimeout: erased(onTimeout),
    callSite: call.callSite,
  });
  return addOperator<R>(input, call, ordered ? "Async ordered" : "Async unordered", spec);
}

function checkAsyncFunction(call: UserCall, fn: unknown, method: string): void {
  if (typeof fn === "function") {
    if (!/^class\b/.test(Function.prototype.toString.call(fn))) return;
    throw invalidArgument(call, `the class ${fn.name}`, "an instance", `Pass an instance: new ${fn.name}()`);
  }
  const owner = typeof fn === "object" && fn !== null ? (fn as Readonly<Record<string, unknown>>) : {};
  if (typeof owner[method] === "function") return;
  const expected = `a function that returns a Promise, or an object with ${method}()`;
  throw invalidArgument(call, describeValue(fn), expected, `Pass ${expected}`);
}

function checkAsyncOptions<T, One>(call: UserCall, options: AsyncOptions<T, One>): void {
  const { capacity = DEFAULT_CAPACITY, ordered = true, retry, onTimeout } = options;
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX)) {
    const todo = "Pass how many records may be waited for at the same time";
    throw invalidArgument(call, `the capacity ${describeValue(capacity)}`, `1 to ${CAPACITY_MAX}`, todo);
  }
  if (typeof ordered !== "boolean")
    throw invalidArgument(call, describeValue(ordered), "ordered: true or false", "Pass a boolean");
  if (onTimeout !== undefined && typeof onTimeout !== "function")
    throw invalidArgument(call, describeValue(onTimeout), "onTimeout to be a function", "Pass a function");
  if (retry !== undefined && (typeof retry !== "object" || typeof retry.canRetry !== "function")) {
    const todo = 'Pass one such as AsyncRetryStrategies.fixedDelay(3, "200 ms")';
    throw invalidArgument(call, describeValue(retry), "a retry strategy", todo);
  }
}

function checkTimeout(call: UserCall, timeout: Duration): number {
  const ms = durationMs(timeout);
  if (ms >= 1 && ms <= TIMEOUT_MAX_MS) return ms;
  throw invalidArgument(call, `a timeout of ${ms} ms`, "1 ms to 24 d", 'Pass a time such as "10 s"');
}

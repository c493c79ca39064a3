/** The user's functions as the operator calls them: one subtask's own copies. */
import type { Collector, OutputTag } from "millrace";
import { cloneFunction, invokeClose, invokeOpen } from "millrace/internal";
import type { Match } from "./matcher.ts";
import type {
  PatternContext,
  PatternFlatSelectFunction,
  PatternFlatTimeoutFunction,
  PatternProcessFunction,
  PatternSelectFunction,
  PatternTimeoutFunction,
  TimedOutPartialMatchHandler,
} from "./pattern-functions.ts";

type U = unknown;

/** What was passed to select, flatSelect or process. The functions' types have been checked by these methods. */
export type MatchFunctions =
  | {
      readonly kind: "select";
      readonly select: ((match: Match) => U) | PatternSelectFunction<Match, U>;
      readonly timeout: ((match: Match, timeoutMs: number) => U) | PatternTimeoutFunction<Match, U> | undefined;
      readonly timeoutTag: OutputTag<U> | undefined;
    }
  | {
      readonly kind: "flatSelect";
      readonly select: ((match: Match) => Iterable<U>) | PatternFlatSelectFunction<Match, U>;
      readonly timeout:
        | ((match: Match, timeoutMs: number) => Iterable<U>)
        | PatternFlatTimeoutFunction<Match, U>
        | undefined;
      readonly timeoutTag: OutputTag<U> | undefined;
    }
  | {
      readonly kind: "process";
      readonly fn: PatternProcessFunction<Match, U> & Partial<TimedOutPartialMatchHandler<Match>>;
    };

/** The user's functions among them. */
export function matchFunctionsOf(functions: MatchFunctions): readonly unknown[] {
  return functions.kind === "process" ? [functions.fn] : [functions.select, functions.timeout];
}

export interface MatchHandler {
  /** Those with a lifecycle. */
  readonly functions: readonly unknown[];
  onMatch(match: Match, context: PatternContext, out: Collector<U>): void;
  /** Undefined when nobody looks at what timed out. */
  readonly onTimedOut: ((match: Match, timeoutMs: number, context: PatternContext) => void) | undefined;
}

export function createHandler(functions: MatchFunctions, operatorName: string): MatchHandler {
  switch (functions.kind) {
    case "select":
      return selectHandler(
        cloneFunction(functions.select, operatorName),
        cloneFunction(functions.timeout, operatorName),
        functions.timeoutTag,
      );
    case "flatSelect":
      return flatSelectHandler(
        cloneFunction(functions.select, operatorName),
        cloneFunction(functions.timeout, operatorName),
        functions.timeoutTag,
      );
    case "process": {
      const fn = cloneFunction(functions.fn, operatorName);
      return {
        functions: [fn],
        onMatch: (match, context, out) => fn.processMatch(match, context, out),
        onTimedOut:
          fn.processTimedOutMatch === undefined
            ? undefined
            : (match, _timeoutMs, context) => fn.processTimedOutMatch?.(match, context),
      };
    }
  }
}

type Select = Extract<MatchFunctions, { readonly kind: "select" }>;
type FlatSelect = Extract<MatchFunctions, { readonly kind: "flatSelect" }>;

function selectHandler(select: Select["select"], timeout: Select["timeout"], tag: Select["timeoutTag"]): MatchHandler {
  const selected = typeof select === "function" ? select : (match: Match) => select.select(match);
  const handler = { functions: [select, timeout], onMatch: collectOne };
  if (timeout === undefined || tag === undefined) return { ...handler, onTimedOut: undefined };
  const timedOut =
    typeof timeout === "function" ? timeout : (match: Match, timeoutMs: number) => timeout.timeout(match, timeoutMs);
  return { ...handler, onTimedOut: (match, timeoutMs, context) => context.output(tag, timedOut(match, timeoutMs)) };

  function collectOne(match: Match, _context: PatternContext, out: Collector<U>): void {
    out.collect(selected(match));
  }
}

function flatSelectHandler(
  select: FlatSelect["select"],
  timeout: FlatSelect["timeout"],
  tag: FlatSelect["timeoutTag"],
): MatchHandler {
  const handler = { functions: [select, timeout], onMatch: collectAll };
  if (timeout === undefined || tag === undefined) return { ...handler, onTimedOut: undefined };
  return {
    ...handler,
    onTimedOut: (match, timeoutMs, context) => {
      if (typeof timeout === "function") {
        for (const value of timeout(match, timeoutMs)) context.output(tag, value);
      } else timeout.timeout(match, timeoutMs, { collect: (value) => context.output(tag, value) });
    },
  };

  function collectAll(match: Match, _context: PatternContext, out: Collector<U>): void {
    if (typeof select !== "function") select.flatSelect(match, out);
    else for (const value of select(match)) out.collect(value);
  }
}

export function openAll(functions: Iterable<unknown>, context: Parameters<typeof invokeOpen>[1]): void {
  for (const fn of functions) invokeOpen(fn, context);
}

export function closeAll(functions: Iterable<unknown>): void {
  for (const fn of functions) invokeClose(fn);
}

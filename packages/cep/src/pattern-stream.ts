import {
  type DataStream,
  KeyedStream,
  type OutputTag,
  type SingleOutputStreamOperator,
  type Sync,
  type Synchronous,
  type Type,
  t,
} from "millrace";
import { checkFunction, checkTag, erased, type TransformSpec, type UserCall } from "millrace/internal";
import type { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { patternCall } from "./call-site.ts";
import { describePattern } from "./describe-pattern.ts";
import { type MatchFunctions, matchFunctionsOf } from "./match-handler.ts";
import type { PartialMatch } from "./match-types.ts";
import type {
  PatternFlatSelectFunction,
  PatternFlatTimeoutFunction,
  PatternProcessFunction,
  PatternSelectFunction,
  PatternTimeoutFunction,
  TimedOutPartialMatchHandler,
} from "./pattern-functions.ts";
import { type EventComparator, type PatternMatching, PatternOperator } from "./pattern-operator.ts";
import { conditionsOf, type Stage } from "./stage.ts";

/** What is matched with what, and how. @internal */
export interface PatternSettings<T> {
  readonly stream: DataStream<T>;
  readonly last: Stage;
  readonly skip: AfterMatchSkipStrategy;
  readonly comparator: EventComparator<T> | undefined;
  readonly timeDomain: "event" | "processing";
  readonly lateTag: OutputTag<T> | undefined;
}

/**
 * A stream and a pattern to be found in it. On a keyed stream, matches are made of events of one key; on any other stream
 * one subtask looks at all events.
 *
 * In event time, the default, events are looked at in the order of their timestamps once the watermark has reached them.
 * One that comes behind the watermark is late: dropped and counted, or sent to a side output.
 *
 * @typeParam M - What a match looks like: the stages by name, with the events they matched.
 * @public
 */
export class PatternStream<T, M> {
  readonly #settings: PatternSettings<T>;
  /** Phantom: what a match looks like. */
  declare readonly _match?: M | undefined;

  /** @internal */
  constructor(settings: PatternSettings<T>) {
    this.#settings = settings;
  }

  /** Goes by the events' timestamps: the default. */
  inEventTime(): PatternStream<T, M> {
    return new PatternStream({ ...this.#settings, timeDomain: "event" });
  }

  /** Looks at events as they come; `within` goes by the wall clock. Results have no event time. */
  inProcessingTime(): PatternStream<T, M> {
    return new PatternStream({ ...this.#settings, timeDomain: "processing" });
  }

  /** Sends late events to a side output of the result instead of dropping them. */
  sideOutputLateData(tag: OutputTag<T>): PatternStream<T, M> {
    checkTag(patternCall("sideOutputLateData"), tag);
    return new PatternStream({ ...this.#settings, lateTag: tag });
  }

  /**
   * One result for every match.
   *
   * @example
   * CEP.pattern(trades, dip).select((match) => ({ symbol: match.high[0].symbol, drops: match.lower.length }));
   */
  select<R>(select: ((match: M) => Sync<R>) | PatternSelectFunction<M, Sync<R>>): SingleOutputStreamOperator<R>;
  /**
   * The same, and one result for every partial match whose time is over.
   *
   * @param tag - Where these go: a side output of the result.
   * @param timeout - Gets the partial match and when its time was over.
   */
  select<L, R>(
    tag: OutputTag<L>,
    timeout: ((match: PartialMatch<M>, timeoutMs: number) => Sync<L>) | PatternTimeoutFunction<M, Sync<L>>,
    select: ((match: M) => Sync<R>) | PatternSelectFunction<M, Sync<R>>,
  ): SingleOutputStreamOperator<R>;
  select<R>(...args: readonly unknown[]): SingleOutputStreamOperator<R> {
    const call = patternCall("select");
    const { tag, timeout, select } = argumentsOf(call, args);
    checkFunction(call, select, { methods: ["select"], plain: "function" });
    if (timeout !== undefined) checkFunction(call, timeout, { methods: ["timeout"], plain: "function" });
    return this.#apply(call, erased({ kind: "select", select, timeout, timeoutTag: tag }));
  }

  /** Any number of results for every match: a plain function returns them, an object collects them. */
  flatSelect<R>(
    select: ((match: M) => Iterable<R>) | (PatternFlatSelectFunction<M, R> & Synchronous<"flatSelect">),
  ): SingleOutputStreamOperator<R>;
  /** The same, and any number of results for every partial match whose time is over. */
  flatSelect<L, R>(
    tag: OutputTag<L>,
    timeout:
      | ((match: PartialMatch<M>, timeoutMs: number) => Iterable<L>)
      | (PatternFlatTimeoutFunction<M, L> & Synchronous<"timeout">),
    select: ((match: M) => Iterable<R>) | (PatternFlatSelectFunction<M, R> & Synchronous<"flatSelect">),
  ): SingleOutputStreamOperator<R>;
  flatSelect<R>(...args: readonly unknown[]): SingleOutputStreamOperator<R> {
    const call = patternCall("flatSelect");
    const { tag, timeout, select } = argumentsOf(call, args);
    checkFunction(call, select, { methods: ["flatSelect"], plain: "function or generator" });
    if (timeout !== undefined) checkFunction(call, timeout, { methods: ["timeout"], plain: "function or generator" });
    return this.#apply(call, erased({ kind: "flatSelect", select, timeout, timeoutTag: tag }));
  }

  /**
   * Full access to a match: its time, side outputs, any number of results. With `processTimedOutMatch` it gets the
   * partial matches whose time is over, too.
   */
  process<R>(
    fn: PatternProcessFunction<M, R> &
      Partial<TimedOutPartialMatchHandler<M>> &
      Synchronous<"processMatch" | "processTimedOutMatch">,
  ): SingleOutputStreamOperator<R> {
    const call = patternCall("process");
    checkFunction(call, fn, { methods: ["processMatch"], optional: ["processTimedOutMatch"] });
    return this.#apply(call, erased({ kind: "process", fn }));
  }

  #apply<R>(call: UserCall, functions: MatchFunctions): SingleOutputStreamOperator<R> {
    const { stream, last, skip, comparator, timeDomain, lateTag } = this.#settings;
    const isKeyed = stream instanceof KeyedStream;
    const keyed = isKeyed ? stream : stream.keyBy(() => 0);
    const eventType = erased<Type<unknown> | undefined>(stream.type) ?? t.any;
    const matching: PatternMatching = erased({
      last,
      skip: skip.rule,
      eventType,
      comparator,
      timeDomain,
      lateTag,
      functions,
    });
    const timeoutTag = functions.kind === "process" ? undefined : functions.timeoutTag;
    const spec: TransformSpec = {
      kind: "transform",
      label: "cep",
      keys: [keyed.key],
      isStateful: true,
      details: { pattern: describePattern(last), skip: skip.rule.kind, time: timeDomain },
      hasSideOutput: (tagId) => functions.kind === "process" || tagId === lateTag?.id || tagId === timeoutTag?.id,
      functions: [...conditionsOf(last), ...matchFunctionsOf(functions)],
      create: (host) => new PatternOperator(host, matching),
    };
    const result = keyed.transform<R>("CEP", spec, undefined, call);
    return isKeyed ? result : result.setParallelism(1).setMaxParallelism(1);
  }
}

interface SelectArguments {
  readonly tag: unknown;
  readonly timeout: unknown;
  readonly select: unknown;
}

function argumentsOf(call: UserCall, args: readonly unknown[]): SelectArguments {
  if (args.length < 2) return { tag: undefined, timeout: undefined, select: args[0] };
  checkTag(call, args[0]);
  // An absent function is found where the present one is checked.
  return { tag: args[0], timeout: args[1] ?? null, select: args[2] };
}

/** What users write to turn matches into results. */
import type { Collector, OutputTag, RichFunction } from "millrace";
import type { PartialMatch } from "./match-types.ts";

/** Makes one result of each match. @public */
export interface PatternSelectFunction<M, R> extends RichFunction {
  select(match: M): R;
}

/** Makes any number of results of each match. @public */
export interface PatternFlatSelectFunction<M, R> extends RichFunction {
  flatSelect(match: M, out: Collector<R>): void;
}

/** Makes one result of each partial match whose time is over. @public */
export interface PatternTimeoutFunction<M, L> extends RichFunction {
  /** @param timeoutMs - When it was over: epoch ms. */
  timeout(match: PartialMatch<M>, timeoutMs: number): L;
}

/** Makes any number of results of each partial match whose time is over. @public */
export interface PatternFlatTimeoutFunction<M, L> extends RichFunction {
  timeout(match: PartialMatch<M>, timeoutMs: number, out: Collector<L>): void;
}

/** What a pattern function may ask. Valid only during the call. @public */
export interface PatternContext {
  /** Event time of the match's completion or time-out in epoch ms; its wall time in processing time. */
  readonly timestamp: number;
  currentProcessingTime(): number;
  output<X>(tag: OutputTag<X>, value: X): void;
}

/**
 * Gets every match.
 *
 * @example
 * class Dips implements PatternProcessFunction<MatchOf<typeof dip>, string> {
 *   processMatch(match: MatchOf<typeof dip>, context: PatternContext, out: Collector<string>): void {
 *     out.collect(`${match.high[0].symbol} recovered at ${context.timestamp}`);
 *   }
 * }
 * @public
 */
export interface PatternProcessFunction<M, R> extends RichFunction {
  processMatch(match: M, context: PatternContext, out: Collector<R>): void;
}

/** Added to a `PatternProcessFunction`: gets the partial matches whose time is over, too. @public */
export interface TimedOutPartialMatchHandler<M> {
  /** What it emits goes to side outputs. */
  processTimedOutMatch(match: PartialMatch<M>, context: PatternContext): void;
}

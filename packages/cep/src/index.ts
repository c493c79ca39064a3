/**
 * Complex event processing: patterns over streams.
 * @packageDocumentation
 */

export { AfterMatchSkipStrategy, SkipToElementStrategy } from "./after-match-skip-strategy.ts";
export { CEP } from "./cep.ts";
export type { Condition, ConditionContext, EventsOf, IterativeCondition } from "./conditions.ts";
export type { Maybe, Narrowed, PartialMatch, Simplified, Some } from "./match-types.ts";
export {
  type AnyPattern,
  type MatchOf,
  Pattern,
  type PatternKind,
  type PatternStart,
  type Quantifiable,
  WithinType,
} from "./pattern.ts";
export type {
  PatternContext,
  PatternFlatSelectFunction,
  PatternFlatTimeoutFunction,
  PatternProcessFunction,
  PatternSelectFunction,
  PatternTimeoutFunction,
  TimedOutPartialMatchHandler,
} from "./pattern-functions.ts";
export type { EventComparator } from "./pattern-operator.ts";
export { PatternStream } from "./pattern-stream.ts";

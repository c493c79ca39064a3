/**
 * The pattern API. A pattern is a description and never changes: every method returns a new one. Its type parameters
 * gather the names of the stages and what each matches, so that conditions and matches are typed without annotations.
 */
import type { Duration } from "millrace";
import { checkFunction, checkText, type UserCall } from "millrace/internal";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { patternCall } from "./call-site.ts";
import { type AnyCondition, and, type Condition, type ConditionContext, type Expression, or } from "./conditions.ts";
import type { Maybe, Narrowed, Simplified, Some } from "./match-types.ts";
import { type ConsumingStrategy, newStage, type Stage } from "./stage.ts";
import {
  asConsecutive,
  asGreedy,
  asLooping,
  asOptional,
  asTimes,
  checkFollower,
  checkUntil,
  durationOf,
  withCombinations,
} from "./stage-changes.ts";

/** Which two events `within` limits the time between. @public */
export const WithinType = {
  /** The first and the last event of a match. */
  FIRST_AND_LAST: "firstAndLast",
  /** The stage's events and the ones right before them in the match. */
  PREVIOUS_AND_CURRENT: "previousAndCurrent",
} as const;
/** @public */
export type WithinType = (typeof WithinType)[keyof typeof WithinType];

/** What a pattern's newest part is: some methods make sense for some of them only. @public */
export type PatternKind = "stage" | "group" | "not";

/** A pattern of events of type `T`, whatever its stages are. @public */
export type AnyPattern<T, M, C> = Pattern<T, never, M, C, PatternKind>;

/** Begins patterns over events of type `T`. @public */
export interface PatternStart<T> {
  /** @param name - Of the first stage; unique within the pattern. */
  begin<const N extends string>(
    name: N,
    skip?: AfterMatchSkipStrategy,
  ): Pattern<T, T, Record<never, never>, Some<N, T>, "stage">;
  begin<M, C>(
    group: AnyPattern<T, M, C>,
    skip?: AfterMatchSkipStrategy,
  ): Pattern<T, never, Record<never, never>, M & C, "group">;
}

/**
 * A sequence of stages, each with a name, conditions and how often it occurs.
 *
 * @typeParam T - The events.
 * @typeParam F - The events of the newest stage, narrowed by type guards.
 * @typeParam M - The earlier stages by name, with the events that they match.
 * @typeParam C - The newest stage, or the stages of the newest group, likewise.
 * @typeParam K - Whether the newest part is a stage, a group, or must not occur.
 *
 * @example
 * const pattern = Pattern.of<Trade>()
 *   .begin("high").where((trade) => trade.price > 100)
 *   .followedBy("lower").oneOrMore().where((trade, context) => {
 *     const last = context.getEventsForPattern("lower").at(-1) ?? context.getEventsForPattern("high")[0];
 *     return last !== undefined && trade.price < last.price;
 *   })
 *   .next("recovered").where((trade) => trade.price > 100)
 *   .within("10 min");
 * @public
 */
export class Pattern<T, F, M, C, K extends PatternKind> {
  /** The newest one. @internal */
  readonly stage: Stage;
  /** @internal */
  readonly skip: AfterMatchSkipStrategy;
  /** Phantoms. */
  declare readonly _event?: ((event: T) => void) | undefined;
  declare readonly _match?: (M & C) | undefined;
  declare readonly _kind?: K | undefined;

  /** @internal */
  constructor(stage: Stage, skip: AfterMatchSkipStrategy) {
    this.stage = stage;
    this.skip = skip;
  }

  /**
   * Begins a pattern with names that the compiler does not know: matches are records of any name. {@link Pattern.of}
   * and `CEP.pattern(stream, (pattern) => pattern.begin("…"))` know them.
   */
  static begin<T>(
    name: string,
    skip?: AfterMatchSkipStrategy,
  ): Pattern<T, T, Record<never, never>, Some<string, T>, "stage">;
  /** Begins with a group: a pattern that is one stage of this one. */
  static begin<T, M, C>(
    group: AnyPattern<T, M, C>,
    skip?: AfterMatchSkipStrategy,
  ): Pattern<T, never, Record<never, never>, M & C, "group">;
  static begin(part: string | AnyPattern<never, unknown, unknown>, skip?: AfterMatchSkipStrategy): unknown {
    return beginWith(patternCall("begin"), part, skip);
  }

  /** Begins patterns over events of one type. @example Pattern.of<Trade>().begin("dip") */
  static of<T>(): PatternStart<T> {
    // What the methods return is what their overloads say.
    const begin = (part: unknown, skip?: AfterMatchSkipStrategy): unknown =>
      beginWith(patternCall("begin"), part, skip);
    return { begin: begin as PatternStart<T>["begin"] };
  }

  /**
   * Adds a condition: an event has to meet all of them. A type guard narrows the events of the stage.
   *
   * @param condition - Gets the event and the partial match that it would extend. It must not change either.
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
   */
  where<S extends F>(
    this: Pattern<T, F, M, C, "stage">,
    condition: (event: F, context: ConditionContext<Simplified<M & C>>) => event is S,
  ): Pattern<T, S, M, Narrowed<C, S>, K>;
  where(
    this: Pattern<T, F, M, C, "stage"> | Pattern<T, F, M, C, "not">,
    condition: Condition<F, Simplified<M & C>>,
  ): Pattern<T, F, M, C, K>;
  where(condition: unknown): unknown {
    const test = testOf(patternCall("where"), condition);
    const { condition: earlier } = this.stage;
    return this.#with({ condition: earlier === undefined ? test : and(earlier, test) });
  }

  /** Adds an alternative to all conditions before it. It sees every event, so it undoes what type guards narrowed. */
  or(
    this: Pattern<T, F, M, C, "stage"> | Pattern<T, F, M, C, "not">,
    condition: Condition<T, Simplified<M & C>>,
  ): Pattern<T, T, M, Narrowed<C, T>, K>;
  or(condition: unknown): unknown {
    const test = testOf(patternCall("or"), condition);
    const { condition: earlier } = this.stage;
    return this.#with({ condition: earlier === undefined ? test : or(earlier, test) });
  }

  /**
   * Ends a loop that has begun: an event that meets the condition is not taken, and nothing after it.
   *
   * @throws MillraceError `MR_PATTERN_INVALID` unless the stage is `oneOrMore` or `timesOrMore`, or when it has one
   */
  until(condition: Condition<T, Simplified<M & C>>): Pattern<T, F, M, C, K> {
    const test = testOf(patternCall("until"), condition);
    checkUntil(this.stage);
    return this.#with({ until: test });
  }

  /** The stage may be left out. @throws MillraceError `MR_PATTERN_INVALID` after a greedy stage, or twice */
  optional(this: Quantifiable<T, F, M, C>): Pattern<T, F, M, Maybe<C>, K>;
  optional(): unknown {
    return this.#to(asOptional(this.stage));
  }

  /**
   * One event or more. Relaxed: other events may lie in between; see {@link Pattern.consecutive} and
   * {@link Pattern.allowCombinations}.
   *
   * @param gap - Each must come sooner than this after the one before it.
   */
  oneOrMore(this: Quantifiable<T, F, M, C>, gap?: Duration): Pattern<T, F, M, C, K>;
  oneOrMore(gap?: Duration): unknown {
    return this.#to(asLooping(patternCall("oneOrMore"), this.stage, 1, gap));
  }

  /** So many events or more. */
  timesOrMore(this: Quantifiable<T, F, M, C>, times: number, gap?: Duration): Pattern<T, F, M, C, K>;
  timesOrMore(times: number, gap?: Duration): unknown {
    return this.#to(asLooping(patternCall("timesOrMore"), this.stage, times, gap));
  }

  /** Exactly so many events. @param gap - As in `oneOrMore`. */
  times(this: Quantifiable<T, F, M, C>, times: number, gap?: Exclude<Duration, number>): Pattern<T, F, M, C, K>;
  /** From so many to so many events; from 0 makes the stage optional. */
  times(this: Quantifiable<T, F, M, C>, from: 0, to: number, gap?: Duration): Pattern<T, F, M, Maybe<C>, K>;
  times(this: Quantifiable<T, F, M, C>, from: number, to: number, gap?: Duration): Pattern<T, F, M, C, K>;
  times(from: number, to?: Duration, gap?: Duration): unknown {
    const call = patternCall("times");
    if (typeof to === "number") return this.#to(asTimes(call, this.stage, from, to, gap));
    return this.#to(asTimes(call, this.stage, from, from, to));
  }

  /** Takes as many events as there are, as long as another stage follows. */
  greedy(this: Pattern<T, F, M, C, "stage">): Pattern<T, F, M, C, K>;
  greedy(): unknown {
    return this.#to(asGreedy(this.stage));
  }

  /** A repeated stage may leave out events that it could take: every combination is a match. */
  allowCombinations(this: Quantifiable<T, F, M, C>): Pattern<T, F, M, C, K>;
  allowCombinations(): unknown {
    return this.#to(withCombinations(this.stage));
  }

  /** No other event may lie between the events of a repeated stage. */
  consecutive(this: Quantifiable<T, F, M, C>): Pattern<T, F, M, C, K>;
  consecutive(): unknown {
    return this.#to(asConsecutive(this.stage));
  }

  /**
   * Limits the time that a match takes: its last event comes less than this after its first one. The smallest limit of
   * all stages counts. With `WithinType.PREVIOUS_AND_CURRENT` it limits how long after the event before them the events
   * of this stage come.
   */
  within(duration: Duration, type: WithinType = WithinType.FIRST_AND_LAST): Pattern<T, F, M, C, K> {
    const ms = durationOf(patternCall("within"), duration);
    return this.#with(type === WithinType.PREVIOUS_AND_CURRENT ? { gapMs: ms } : { withinMs: ms });
  }

  /** Strict: the very next event. */
  next<const N extends string>(name: N): Pattern<T, T, M & C, Some<N, T>, "stage">;
  next<M2, C2>(group: AnyPattern<T, M2, C2>): Pattern<T, never, M & C, M2 & C2, "group">;
  next(part: unknown): unknown {
    return this.#append(patternCall("next"), part, "strict");
  }

  /** Relaxed: the next event that meets the conditions. */
  followedBy<const N extends string>(name: N): Pattern<T, T, M & C, Some<N, T>, "stage">;
  followedBy<M2, C2>(group: AnyPattern<T, M2, C2>): Pattern<T, never, M & C, M2 & C2, "group">;
  followedBy(part: unknown): unknown {
    return this.#append(patternCall("followedBy"), part, "skipTillNext");
  }

  /** Any later event that meets the conditions: each of them is a match. */
  followedByAny<const N extends string>(name: N): Pattern<T, T, M & C, Some<N, T>, "stage">;
  followedByAny<M2, C2>(group: AnyPattern<T, M2, C2>): Pattern<T, never, M & C, M2 & C2, "group">;
  followedByAny(part: unknown): unknown {
    return this.#append(patternCall("followedByAny"), part, "skipTillAny");
  }

  /** The very next event must not meet the conditions of this stage. It is not part of the match. */
  notNext(name: string): Pattern<T, T, M & C, Record<never, never>, "not"> {
    return this.#appendNot(patternCall("notNext"), name, "notNext");
  }

  /** No event until the next stage's may meet the conditions of this stage; at the end of a pattern, until `within`. */
  notFollowedBy(name: string): Pattern<T, T, M & C, Record<never, never>, "not"> {
    return this.#appendNot(patternCall("notFollowedBy"), name, "notFollow");
  }

  #appendNot<R>(call: UserCall, name: string, consuming: ConsumingStrategy): R {
    checkFollower(this.stage);
    return this.#append(call, name, consuming) as R;
  }

  #append(call: UserCall, part: unknown, consuming: ConsumingStrategy): unknown {
    return new Pattern(partOf(call, part, this.stage, consuming), this.skip);
  }

  #with<R>(changes: Partial<Stage>): R {
    return this.#to({ ...this.stage, ...changes });
  }

  #to<R>(stage: Stage): R {
    // The declared result of the public method says what the change made of the types.
    return new Pattern(stage, this.skip) as R;
  }
}

/**
 * What a pattern matches: an array of events for each stage, in the order they came. Stages that must match have at
 * least one; those that were left out have an empty array.
 *
 * @example
 * type Dip = MatchOf<typeof dip>; // { readonly high: readonly [Trade, ...Trade[]], … }
 * @public
 */
export type MatchOf<P> = P extends AnyPattern<never, infer M, infer C> ? Simplified<M & C> : never;

/** Patterns whose newest part can occur more or less than once. @public */
export type Quantifiable<T, F, M, C> = Pattern<T, F, M, C, "stage"> | Pattern<T, F, M, C, "group">;

function beginWith(call: UserCall, part: unknown, skip: AfterMatchSkipStrategy | undefined): unknown {
  return new Pattern(partOf(call, part, undefined, "skipTillNext"), skip ?? AfterMatchSkipStrategy.noSkip());
}

function partOf(call: UserCall, part: unknown, previous: Stage | undefined, consuming: ConsumingStrategy): Stage {
  if (part instanceof Pattern) {
    const group = part.stage as Stage;
    return newStage(`(…${group.name})`, previous, consuming, group);
  }
  checkText(call, part, "the name of a stage, or a pattern");
  return newStage(part as string, previous, consuming);
}

function testOf(call: UserCall, condition: unknown): Expression {
  checkFunction(call, condition, { methods: ["filter"], plain: "function" });
  // What it takes is the compiler's to check.
  return { kind: "test", condition: condition as AnyCondition };
}

import {
  AfterMatchSkipStrategy,
  type MatchOf,
  type PartialMatch,
  Pattern,
  type PatternContext,
  type PatternProcessFunction,
  type TimedOutPartialMatchHandler,
} from "@millrace/cep";
import { type Collector, OutputTag, type Type, t } from "millrace";
import type { Payment } from "./payments.ts";

/** A card that was tried out with small payments and then used for a large one. */
export interface Fraud {
  card: number;
  firstTrial: number;
  at: number;
  cents: number;
}

export const FraudType: Type<Fraud> = t.object({
  card: t.int32,
  firstTrial: t.timestamp,
  at: t.timestamp,
  cents: t.int32,
});

/** A card that was tried out, with no large payment until `until`: worth a call. */
export interface Suspicion {
  card: number;
  firstTrial: number;
  until: number;
}

export const SuspicionType: Type<Suspicion> = t.object({
  card: t.int32,
  firstTrial: t.timestamp,
  until: t.timestamp,
});

export const SUSPICIONS: OutputTag<Suspicion> = new OutputTag<Suspicion>("suspicions", SuspicionType);

export const TRIALS = 3;
export const SMALL_CENTS = 100;
export const LARGE_CENTS = 50_000;
export const WITHIN_MS: number = 5 * 60_000;

/** Three small payments in a row and, among whatever else, a large one: all within five minutes. */
export const fraud = Pattern.of<Payment>()
  .begin("trials", AfterMatchSkipStrategy.skipPastLastEvent())
  .where((payment) => payment.cents < SMALL_CENTS)
  .times(TRIALS)
  .consecutive()
  .followedBy("large")
  .where((payment) => payment.cents >= LARGE_CENTS)
  .within(WITHIN_MS);

type FraudMatch = MatchOf<typeof fraud>;

export class FraudAlerts implements PatternProcessFunction<FraudMatch, Fraud>, TimedOutPartialMatchHandler<FraudMatch> {
  processMatch({ trials, large }: FraudMatch, _context: PatternContext, out: Collector<Fraud>): void {
    const [{ card, at, cents }] = large;
    out.collect({ card, firstTrial: trials[0].at, at, cents });
  }

  processTimedOutMatch({ trials }: PartialMatch<FraudMatch>, context: PatternContext): void {
    const [first] = trials;
    if (first === undefined || trials.length < TRIALS) return;
    context.output(SUSPICIONS, { card: first.card, firstTrial: first.at, until: first.at + WITHIN_MS });
  }
}

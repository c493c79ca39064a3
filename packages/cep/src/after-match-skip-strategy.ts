import { checkText } from "millrace/internal";
import { patternCall } from "./call-site.ts";

/** What is given up of other matches when one has been found. @internal */
export type SkipRule =
  | { readonly kind: "noSkip" | "skipToNext" | "skipPastLastEvent" }
  | { readonly kind: "skipToFirst" | "skipToLast"; readonly stage: string; readonly throwsOnMiss: boolean };

/**
 * How many matches an event can be part of: which partial and complete matches are given up when a match is emitted.
 *
 * Under every strategy but `noSkip`, matches come out in the order of their first events: one is kept back while a
 * partial match that began earlier may still become one. Give such a pattern a `within`, so that none is kept for good.
 *
 * @example
 * Pattern.of<Trade>().begin("dip", AfterMatchSkipStrategy.skipPastLastEvent());
 * @public
 */
export class AfterMatchSkipStrategy {
  /** @internal */
  readonly rule: SkipRule;

  /** @internal */
  constructor(rule: SkipRule) {
    this.rule = rule;
  }

  /** Emits every match: the default. */
  static noSkip(): AfterMatchSkipStrategy {
    return new AfterMatchSkipStrategy({ kind: "noSkip" });
  }

  /** Gives up the others that began with the same event. */
  static skipToNext(): AfterMatchSkipStrategy {
    return new AfterMatchSkipStrategy({ kind: "skipToNext" });
  }

  /** Gives up those that began before the match ended: matches never share an event. */
  static skipPastLastEvent(): AfterMatchSkipStrategy {
    return new AfterMatchSkipStrategy({ kind: "skipPastLastEvent" });
  }

  /** Gives up those that began before the first event of a stage of the match. */
  static skipToFirst(stage: string): SkipToElementStrategy {
    checkText(patternCall("skipToFirst"), stage, "the name of a stage");
    return new SkipToElementStrategy({ kind: "skipToFirst", stage, throwsOnMiss: false });
  }

  /** Gives up those that began before the last event of a stage of the match. */
  static skipToLast(stage: string): SkipToElementStrategy {
    checkText(patternCall("skipToLast"), stage, "the name of a stage");
    return new SkipToElementStrategy({ kind: "skipToLast", stage, throwsOnMiss: false });
  }
}

/** Skips to an event of one stage. @public */
export class SkipToElementStrategy extends AfterMatchSkipStrategy {
  /**
   * Fails the job with `MR_PATTERN_SKIP_MISSED` when a match has no event of the stage, or when the event is the first of
   * the match, so that nothing would be skipped.
   */
  throwExceptionOnMiss(): SkipToElementStrategy {
    return new SkipToElementStrategy({ ...this.rule, throwsOnMiss: true } as SkipRule);
  }
}

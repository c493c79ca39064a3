import type { DataStream } from "millrace";
import { checkFunction, checkMembers, describeValue, erased, invalidArgument, type UserCall } from "millrace/internal";
import type { SkipRule } from "./after-match-skip-strategy.ts";
import { patternCall } from "./call-site.ts";
import { compilePattern } from "./compile-pattern.ts";
import type { Simplified } from "./match-types.ts";
import { Pattern, type PatternKind, type PatternStart } from "./pattern.ts";
import { malformed } from "./pattern-errors.ts";
import type { EventComparator } from "./pattern-operator.ts";
import { PatternStream } from "./pattern-stream.ts";
import { isNot, leavesOf, type Stage } from "./stage.ts";

/** Complex event processing: finds patterns in streams. @public */
export const CEP: { readonly pattern: typeof pattern } = { pattern };

/**
 * Looks for a pattern in a stream, for each key by itself if it is a keyed one.
 *
 * @param pattern - A pattern, or a function that makes one of the stream's events, with nothing to annotate.
 * @param comparator - Orders events that have the same timestamp; they are looked at in the order of arrival otherwise.
 * @throws MillraceError `MR_PATTERN_INVALID` when the pattern cannot be matched or means nothing
 *
 * @example
 * CEP.pattern(
 *   logins.keyBy((login) => login.user),
 *   (pattern) => pattern
 *     .begin("failures", AfterMatchSkipStrategy.skipPastLastEvent()).times(3).where((login) => !login.ok)
 *     .next("success").where((login) => login.ok)
 *     .within("1 min"),
 * ).select((match) => ({ user: match.success[0].user, failures: match.failures.length }));
 * @public
 */
function pattern<T, F, M, C, K extends PatternKind>(
  stream: DataStream<T>,
  pattern: Pattern<NoInfer<T>, F, M, C, K> | ((start: PatternStart<T>) => Pattern<NoInfer<T>, F, M, C, K>),
  comparator?: EventComparator<T>,
): PatternStream<T, Simplified<M & C>> {
  const call = patternCall("CEP.pattern");
  checkMembers(call, stream, ["keyBy", "transform"], "a stream");
  const { stage, skip } = patternOf(call, typeof pattern === "function" ? pattern(Pattern.of<T>()) : pattern);
  if (comparator !== undefined) checkFunction(call, comparator, { methods: [], plain: "function" });
  // What is wrong with a pattern is said here and not in a subtask.
  compilePattern(stage);
  checkSkip(stage, skip.rule);
  return new PatternStream({ stream, last: stage, skip, comparator, timeDomain: "event", lateTag: undefined });
}

function patternOf(call: UserCall, value: unknown): Pattern<unknown, unknown, unknown, unknown, PatternKind> {
  if (value instanceof Pattern) return erased(value);
  throw invalidArgument(call, describeValue(value), "a Pattern", 'Pass one such as Pattern.begin("start")');
}

function checkSkip(last: Stage, rule: SkipRule): void {
  if (rule.kind !== "skipToFirst" && rule.kind !== "skipToLast") return;
  if (leavesOf(last).some((stage) => stage.name === rule.stage && !isNot(stage))) return;
  throw malformed({
    what: "The AfterMatchSkipStrategy skips to a stage that no match has",
    found: `"${rule.stage}"`,
    expected: `one of ${leavesOf(last)
      .filter((stage) => !isNot(stage))
      .map((stage) => `"${stage.name}"`)
      .join(", ")}`,
    todo: "Correct the name",
  });
}

/** What the quantifiers of `Pattern` make of a stage, and what they refuse. */
import { type Duration, durationMs, type MillraceError } from "millrace";
import { describeValue, invalidArgument, type UserCall } from "millrace/internal";
import { malformed } from "./pattern-errors.ts";
import { isNot, type Stage } from "./stage.ts";

export function asOptional(stage: Stage): Stage {
  checkNoNot(stage, "optional");
  if (stage.isOptional) throw refused(stage, "optional", "a stage that is optional already");
  if (stage.previous?.isGreedy === true) throw refused(stage, "optional", "a greedy stage before it");
  return { ...stage, isOptional: true };
}

export function asLooping(call: UserCall, stage: Stage, from: number, gap: Duration | undefined): Stage {
  checkUnquantified(stage, call.method);
  const count = countOf(call, from);
  const times = { from: count, to: count, gapMs: gapOf(call, gap) };
  return { ...stage, quantifier: "looping", times };
}

export function asTimes(call: UserCall, stage: Stage, from: number, to: number, gap: Duration | undefined): Stage {
  checkUnquantified(stage, call.method);
  const least = from === 0 && to > 0 ? 1 : countOf(call, from);
  const most = countOf(call, to);
  if (most < least) throw invalidArgument(call, `from ${from} to ${to}`, "a range", "Pass the smaller number first");
  const times = { from: least, to: most, gapMs: gapOf(call, gap) };
  const repeated: Stage = { ...stage, quantifier: "times", times };
  return from === 0 && !stage.isOptional ? asOptional(repeated) : repeated;
}

export function asGreedy(stage: Stage): Stage {
  checkNoNot(stage, "greedy");
  if (stage.group !== undefined) throw refused(stage, "greedy", "a group");
  if (stage.quantifier === "single") throw refused(stage, "greedy", "a stage that occurs once");
  if (stage.inner === "skipTillAny") throw refused(stage, "greedy", "allowCombinations on it");
  return { ...stage, isGreedy: true };
}

export function withCombinations(stage: Stage): Stage {
  checkInner(stage, "allowCombinations");
  if (stage.isGreedy) throw refused(stage, "allowCombinations", "greedy on it");
  return { ...stage, inner: "skipTillAny" };
}

export function asConsecutive(stage: Stage): Stage {
  checkInner(stage, "consecutive");
  return { ...stage, inner: "strict" };
}

export function checkUntil(stage: Stage): void {
  if (stage.quantifier !== "looping") throw refused(stage, "until", "a stage that does not loop");
  if (stage.until !== undefined) throw refused(stage, "until", "an until on it");
}

/** @param stage - What a not-stage is to follow. */
export function checkFollower(stage: Stage): void {
  if (!stage.isOptional) return;
  throw malformed({
    what: "A stage that must not follow cannot come right after an optional one",
    found: `the optional stage "${stage.name}"`,
    expected: "a stage that has to match",
    todo: "Use two patterns, one with the optional stage and one without it",
  });
}

export function durationOf(call: UserCall, duration: Duration): number {
  const ms = durationMs(duration);
  if (Number.isSafeInteger(ms) && ms > 0) return ms;
  throw invalidArgument(call, describeValue(duration), "a positive duration", 'Pass one such as "10 s"');
}

function gapOf(call: UserCall, gap: Duration | undefined): number | undefined {
  return gap === undefined ? undefined : durationOf(call, gap);
}

function countOf(call: UserCall, count: unknown): number {
  if (Number.isSafeInteger(count) && Number(count) > 0) return Number(count);
  throw invalidArgument(call, describeValue(count), "a whole number of events, at least 1", "Pass how many there are");
}

function checkUnquantified(stage: Stage, method: string): void {
  checkNoNot(stage, method);
  if (stage.quantifier !== "single") throw refused(stage, method, "a stage that is quantified already");
}

function checkInner(stage: Stage, method: string): void {
  checkNoNot(stage, method);
  if (stage.quantifier === "single") throw refused(stage, method, "a stage that occurs once");
  if (stage.inner !== "skipTillNext") throw refused(stage, method, "consecutive or allowCombinations on it");
}

function checkNoNot(stage: Stage, method: string): void {
  if (isNot(stage)) throw refused(stage, method, "a stage that must not occur");
}

function refused(stage: Stage, method: string, found: string): MillraceError {
  return malformed({
    what: `${method} cannot be applied to stage "${stage.name}"`,
    found,
    expected: `a stage for which ${method} means something`,
    todo: "Correct the pattern",
  });
}

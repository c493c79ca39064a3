/**
 * All matches of a small pattern by trying every choice of events: what the automaton has to find, said in the words of
 * the pattern's definition.
 */
import type { AfterMatchSkipStrategy } from "../after-match-skip-strategy.ts";
import { Pattern, type PatternKind } from "../pattern.ts";
import { is, type Letter, MS_PER_EVENT } from "./match-events.ts";

export type Contiguity = "next" | "followedBy" | "followedByAny";

export interface NaiveStage {
  readonly letters: readonly string[];
  readonly after: Contiguity;
  readonly from: number;
  /** Undefined for no upper bound. */
  readonly to: number | undefined;
  readonly inner: "relaxed" | "consecutive" | "combinations";
  readonly isOptional: boolean;
  /** What must not come between the stage before and this one. */
  readonly notBefore: string | undefined;
}

export type LetterPattern = Pattern<Letter, Letter, unknown, unknown, "stage">;

export function patternOf(
  stages: readonly NaiveStage[],
  withinMs: number | undefined,
  skip?: AfterMatchSkipStrategy,
): Pattern<Letter, Letter, unknown, unknown, PatternKind> {
  let pattern: LetterPattern | undefined;
  stages.forEach((stage, index) => {
    let before = pattern;
    if (before !== undefined && stage.notBefore !== undefined) {
      // The steps of a loop have no static names; the pattern's own checks stay in force.
      before = before.notFollowedBy(`not${index}`).where(is(stage.notBefore)) as unknown as LetterPattern;
    }
    const begun: unknown =
      before === undefined ? Pattern.begin<Letter>(`s${index}`, skip) : before[stage.after](`s${index}`);
    pattern = quantified((begun as LetterPattern).where(is(...stage.letters)), stage);
  });
  return withinMs === undefined ? pattern! : pattern!.within(withinMs);
}

function quantified(stage: LetterPattern, { from, to, inner, isOptional }: NaiveStage): LetterPattern {
  let changed: LetterPattern = stage;
  if (to === undefined) changed = changed.timesOrMore(from);
  else if (to > 1) changed = changed.times(from, to);
  if (to !== 1 && inner === "consecutive") changed = changed.consecutive();
  if (to !== 1 && inner === "combinations") changed = changed.allowCombinations();
  return isOptional ? (changed.optional() as LetterPattern) : changed;
}

/** Each match as its events' ids; sorted. */
export function naiveMatches(
  stages: readonly NaiveStage[],
  events: readonly Letter[],
  withinMs: number | undefined,
): readonly string[] {
  const found: string[] = [];
  const fits = (stage: NaiveStage, at: number): boolean => stage.letters.includes(events[at]!.name);
  const isFree = (from: number, to: number, blocks: (at: number) => boolean): boolean => {
    for (let at = from + 1; at < to; at++) if (blocks(at)) return false;
    return true;
  };
  const isNear = (stage: NaiveStage, how: Contiguity, last: number, at: number): boolean =>
    how === "followedByAny" || (how === "next" ? at === last + 1 : isFree(last, at, (each) => fits(stage, each)));

  const tryStage = (index: number, taken: readonly number[], firstOfBefore: number): void => {
    if (index === stages.length) {
      const isInTime = withinMs === undefined || (taken.at(-1)! - taken[0]!) * MS_PER_EVENT < withinMs;
      if (taken.length > 0 && isInTime) found.push(taken.map((at) => events[at]!.id).join(" "));
      return;
    }
    const stage = stages[index]!;
    if (stage.isOptional) tryStage(index + 1, taken, firstOfBefore);
    tryEvents(stage, index, taken, 0, firstOfBefore);
  };
  const tryEvents = (
    stage: NaiveStage,
    index: number,
    taken: readonly number[],
    count: number,
    firstOfBefore: number,
  ): void => {
    if (count === (stage.to ?? Number.POSITIVE_INFINITY)) return;
    const inner: Contiguity =
      stage.inner === "relaxed" ? "followedBy" : stage.inner === "consecutive" ? "next" : "followedByAny";
    const last = taken.at(-1);
    for (let at = (last ?? -1) + 1; at < events.length; at++) {
      if (!fits(stage, at)) continue;
      if (last !== undefined && !isNear(stage, count === 0 ? stage.after : inner, last, at)) continue;
      const { notBefore } = stage;
      if (
        count === 0 &&
        notBefore !== undefined &&
        !isFree(firstOfBefore, at, (each) => events[each]!.name === notBefore)
      )
        continue;
      const first = count === 0 ? at : taken.at(-count)!;
      const now = [...taken, at];
      if (count + 1 >= stage.from) tryStage(index + 1, now, first);
      tryEvents(stage, index, now, count + 1, firstOfBefore);
    }
  };
  tryStage(0, [], -1);
  return found.sort();
}

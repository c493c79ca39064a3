/** One stage of a pattern as data: what the methods of `Pattern` describe and the compiler reads. */
import { type AnyCondition, conditionsIn, type Expression } from "./conditions.ts";

/** Which events may lie between the previous stage's event and this one's; or that none of this stage's may come. */
export type ConsumingStrategy = "strict" | "skipTillNext" | "skipTillAny" | "notNext" | "notFollow";

/** The same between the events of one looping stage. */
export type InnerStrategy = "strict" | "skipTillNext" | "skipTillAny";

/** How often a stage has to occur; a looping one has no upper bound. */
export interface Times {
  readonly from: number;
  readonly to: number;
  /** The events of the stage must follow each other in less than this. */
  readonly gapMs: number | undefined;
}

export interface Stage {
  /** Of a group: a description of it. */
  readonly name: string;
  readonly previous: Stage | undefined;
  readonly consuming: ConsumingStrategy;
  readonly inner: InnerStrategy;
  readonly quantifier: "single" | "times" | "looping";
  readonly isOptional: boolean;
  readonly isGreedy: boolean;
  readonly times: Times | undefined;
  readonly condition: Expression | undefined;
  readonly until: Expression | undefined;
  /** Limits the time from the first event of a match to its last; the smallest one of all stages counts. */
  readonly withinMs: number | undefined;
  /** Limits the time from the previous event of a match to one of this stage. */
  readonly gapMs: number | undefined;
  /** The last stage of the group, if this is one. */
  readonly group: Stage | undefined;
}

export function newStage(
  name: string,
  previous: Stage | undefined,
  consuming: ConsumingStrategy,
  group?: Stage | undefined,
): Stage {
  return {
    name,
    previous,
    consuming,
    inner: "skipTillNext",
    quantifier: "single",
    isOptional: false,
    isGreedy: false,
    times: undefined,
    condition: undefined,
    until: undefined,
    withinMs: undefined,
    gapMs: undefined,
    group,
  };
}

export function isNot(stage: Stage): boolean {
  return stage.consuming === "notNext" || stage.consuming === "notFollow";
}

/** The stages of a sequence, first to last; groups are one stage. */
export function sequenceOf(last: Stage): readonly Stage[] {
  const stages: Stage[] = [];
  for (let stage: Stage | undefined = last; stage !== undefined; stage = stage.previous) stages.push(stage);
  return stages.reverse();
}

/** The stages that events are matched with, first to last, those of groups included. */
export function leavesOf(last: Stage): readonly Stage[] {
  return sequenceOf(last).flatMap((stage) => (stage.group === undefined ? [stage] : leavesOf(stage.group)));
}

/** The user's conditions of all stages. */
export function conditionsOf(last: Stage): readonly AnyCondition[] {
  return sequenceOf(last).flatMap(({ group, condition, until }) => [
    ...(group === undefined ? conditionsIn(condition) : conditionsOf(group)),
    ...conditionsIn(until),
  ]);
}

/** The limit from first to last event: the smallest of all, undefined when there is none. */
export function windowOf(last: Stage): number | undefined {
  const limits = sequenceOf(last).flatMap((stage) => [
    stage.withinMs,
    stage.group === undefined ? undefined : windowOf(stage.group),
  ]);
  return limits.reduce((least, limit) => (limit === undefined || limit >= (least ?? Infinity) ? least : limit));
}

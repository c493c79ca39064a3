/** A pattern as plans show it: plain JSON, one object a stage. */
import { type Stage, sequenceOf } from "./stage.ts";

export type StageDescription = Readonly<Record<string, unknown>>;

export function describePattern(last: Stage): readonly StageDescription[] {
  return sequenceOf(last).map((stage) => {
    const { times } = stage;
    return {
      ...(stage.group === undefined ? { stage: stage.name } : { group: describePattern(stage.group) }),
      ...(stage.previous === undefined ? {} : { after: stage.consuming }),
      ...(times === undefined ? {} : { from: times.from, to: stage.quantifier === "looping" ? "more" : times.to }),
      ...(stage.quantifier === "single" ? {} : { between: stage.inner }),
      ...(stage.isOptional ? { optional: true } : {}),
      ...(stage.isGreedy ? { greedy: true } : {}),
      ...(stage.withinMs === undefined ? {} : { withinMs: stage.withinMs }),
      ...(stage.gapMs === undefined ? {} : { sincePreviousMs: stage.gapMs }),
    };
  });
}

import { MillraceError } from "millrace";

/** @internal */
export interface Malformation {
  readonly what: string;
  readonly found: string;
  readonly expected: string;
  readonly todo: string;
}

/** A pattern that cannot be matched, or means nothing. @internal */
export function malformed(parts: Malformation): MillraceError {
  return new MillraceError("MR_PATTERN_INVALID", { ...parts, where: {} });
}

/** @internal */
export function skipMissed(stage: string, found: string): MillraceError {
  return new MillraceError("MR_PATTERN_SKIP_MISSED", {
    what: `An AfterMatchSkipStrategy could not skip to stage "${stage}"`,
    where: {},
    found,
    expected: "an event of the stage behind the first one of the match",
    todo: "Skip to a stage that every match has, or leave out throwExceptionOnMiss",
  });
}

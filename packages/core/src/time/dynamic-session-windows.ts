/** Sessions whose gap depends on the element. */
import { MillraceError } from "../base/errors.ts";
import { TimeWindow } from "./time-window.ts";
import type { DynamicSessionAssigner } from "./window-assigner.ts";
import { requireTimestamp, WINDOW_LENGTH_MAX_MS } from "./window-parameters.ts";

/** Says how long after this element its session still goes on, in ms: whole, from 1 ms to 10,000 years. @public */
export type SessionWindowTimeGapExtractor<T> = (element: T) => number;

abstract class DynamicSessionWindows<T> implements DynamicSessionAssigner<T> {
  readonly kind = "dynamicSession";
  abstract readonly isEventTime: boolean;
  /** An ordinary field, so that warnings can read its text. */
  private readonly gapOf: SessionWindowTimeGapExtractor<T>;

  constructor(gapOf: SessionWindowTimeGapExtractor<T>) {
    this.gapOf = gapOf;
  }

  assign(timestampMs: number, element: T): readonly TimeWindow[] {
    if (this.isEventTime) requireTimestamp(String(this), timestampMs);
    const gapMs = this.gapOf(element);
    if (!(Number.isInteger(gapMs) && gapMs >= 1 && gapMs <= WINDOW_LENGTH_MAX_MS))
      throw invalidGap(String(this), gapMs);
    return [new TimeWindow(timestampMs, timestampMs + gapMs)];
  }
}

/** Made by `EventTimeSessionWindows.withDynamicGap`. @public */
export class DynamicEventTimeSessionWindows<T> extends DynamicSessionWindows<T> {
  readonly isEventTime = true;

  /** As `EventTimeSessionWindows.withDynamicGap`. */
  static withDynamicGap<T>(gapOf: SessionWindowTimeGapExtractor<T>): DynamicEventTimeSessionWindows<T> {
    return new DynamicEventTimeSessionWindows(gapOf);
  }

  override toString(): string {
    return "DynamicEventTimeSessionWindows()";
  }
}

/** Made by `ProcessingTimeSessionWindows.withDynamicGap`. @public */
export class DynamicProcessingTimeSessionWindows<T> extends DynamicSessionWindows<T> {
  readonly isEventTime = false;

  /** As `ProcessingTimeSessionWindows.withDynamicGap`. */
  static withDynamicGap<T>(gapOf: SessionWindowTimeGapExtractor<T>): DynamicProcessingTimeSessionWindows<T> {
    return new DynamicProcessingTimeSessionWindows(gapOf);
  }

  override toString(): string {
    return "DynamicProcessingTimeSessionWindows()";
  }
}

function invalidGap(assigner: string, found: unknown): MillraceError {
  return new MillraceError("MR_WINDOW_SIZE_INVALID", {
    what: `The gap that was extracted for ${assigner} is out of range`,
    found: typeof found === "number" ? `${found} ms` : typeof found,
    expected: "whole milliseconds, at least 1 and at most 10,000 years",
    todo: "Let the gap extractor return such a number for every element",
  });
}

import { MillraceError } from "../base/errors.ts";

/** A function has registered a timer for what is no time. */
export function timerInvalid(
  owner: { readonly operatorName: string; readonly uid: string },
  timeMs: unknown,
): MillraceError {
  return new MillraceError("MR_TIMER_INVALID", {
    what: "A timer was registered for something that is no time",
    where: { operator: owner.operatorName, uid: owner.uid },
    found: typeof timeMs === "number" ? `${timeMs}` : timeMs instanceof Date ? "a Date" : typeof timeMs,
    expected: "epoch milliseconds; MAX_WATERMARK for the end of the input",
    todo: "Correct what the time is computed from, for example date.getTime() in place of a Date",
  });
}

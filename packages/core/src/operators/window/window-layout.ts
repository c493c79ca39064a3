/** The ways in which the windows of a key are written, told by the first byte. */
import { MillraceError } from "../../base/errors.ts";

export const WINDOWS_AS_PANES = 0;
export const WINDOWS_AS_SLICES = 1;
export const WINDOWS_WITH_TRIGGERS = 2;

/** Who the windows belong to, for messages. */
export interface WindowStateOwner {
  readonly operatorName: string;
  readonly uid: string;
}

/** @throws MillraceError `MR_WINDOW_STATE_INCOMPATIBLE` */
export function checkLayout(found: number, expected: number, owner: WindowStateOwner): void {
  if (found !== expected) throw windowStateIncompatible(owner, describe(found), describe(expected));
}

export function windowStateIncompatible(owner: WindowStateOwner, found: string, expected: string): MillraceError {
  return new MillraceError("MR_WINDOW_STATE_INCOMPATIBLE", {
    what: "The checkpoint holds windows of another kind than the job has now",
    where: { operator: owner.operatorName, uid: owner.uid },
    found,
    expected,
    todo: "Restore with the windows and the aggregation that the checkpoint was taken with, or give the operator a new uid",
  });
}

function describe(layout: number): string {
  switch (layout) {
    case WINDOWS_AS_SLICES:
      return "tumbling windows, or sliding windows with a reduce or an aggregation that has merge()";
    case WINDOWS_WITH_TRIGGERS:
      return "windows with a trigger, an evictor or an assigner of their own, of processing time, or with state per window";
    default:
      return "sessions, or sliding windows that cannot be merged";
  }
}

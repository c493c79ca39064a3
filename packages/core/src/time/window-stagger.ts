/** Windows of one size that do not all end at the same moment. */
import { MillraceError } from "../base/errors.ts";
import type { Random } from "../platform/platform.ts";

/**
 * Where the windows of a subtask begin. `ALIGNED`, the default: at the same moments in all subtasks. `RANDOM`: each subtask
 * shifts them by a part of the size of its own. `NATURAL`: a window begins at the first record that the subtask processes.
 * Without alignment the results of many subtasks are spread over time, not emitted all at once.
 *
 * @example
 * clicks
 *   .keyBy((click) => click.user)
 *   .window(TumblingProcessingTimeWindows.of("1 h", 0, WindowStagger.RANDOM));
 * @public
 */
export const WindowStagger: {
  readonly ALIGNED: "ALIGNED";
  readonly RANDOM: "RANDOM";
  readonly NATURAL: "NATURAL";
} = { ALIGNED: "ALIGNED", RANDOM: "RANDOM", NATURAL: "NATURAL" };

/** @public */
export type WindowStagger = keyof typeof WindowStagger;

/** Throws `MR_ARGUMENT_INVALID` for anything else. @internal */
export function requireStagger(assigner: string, stagger: WindowStagger): WindowStagger {
  if (Object.hasOwn(WindowStagger, stagger)) return stagger;
  throw new MillraceError("MR_ARGUMENT_INVALID", {
    what: `${assigner} cannot be staggered like this`,
    found: String(stagger),
    expected: Object.keys(WindowStagger).join(", "),
    todo: "Pass one of them, such as WindowStagger.RANDOM",
  });
}

/**
 * What a subtask adds to the offset of its windows, as Flink does.
 *
 * @param stepMs - From the start of a window to that of the next.
 * @param nowMs - When the subtask's first record is processed.
 * @returns 0 … stepMs - 1
 * @internal
 */
export function staggerOffsetMs(stagger: WindowStagger, stepMs: number, nowMs: number, random: Random): number {
  switch (stagger) {
    case "ALIGNED":
      return 0;
    case "RANDOM":
      return Math.floor((random.u32() / 2 ** 32) * stepMs);
    case "NATURAL":
      return ((nowMs % stepMs) + stepMs) % stepMs;
  }
}

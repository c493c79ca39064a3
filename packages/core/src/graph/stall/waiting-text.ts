/** What waits, as the first half of a sentence whose second half is the cause. */
import type { WaitingForTime } from "../../operators/waiting.ts";
import { MIN_WATERMARK } from "../../time/timestamps.ts";
import type { OperatorAt, ReportedJob } from "./reported-job.ts";
import type { StallCause, StallFinding } from "./stall-explanation.ts";
import { formatCount, formatSpan, formatTime } from "./stall-text.ts";

/** What one subtask of an operator waits for, and why. */
export interface Waiter {
  readonly what: StallFinding["what"];
  readonly at: OperatorAt;
  readonly watermarkMs: number;
  readonly waiting: WaitingForTime | undefined;
  readonly path: StallFinding["path"];
  readonly cause: StallCause;
}

/** @param first - The one of the group that is first to come. */
export function waitingText(first: Waiter, group: readonly Waiter[], job: ReportedJob): string {
  const { operator, parallelism } = job.placeOf(first.at);
  const only = group.length === 1 ? `, subtask ${first.at.subtaskIndex + 1}/${parallelism}` : "";
  const where = parallelism === 1 ? "" : group.length === parallelism ? ", all subtasks" : only;
  const name = `"${operator}"`;
  const { waiting, watermarkMs, cause, what } = first;
  const counts = countsOf(first, group);
  const now = watermarkMs === MIN_WATERMARK ? "it has none yet" : `it is at ${formatTime(watermarkMs)}`;
  switch (what) {
    case "window":
      return `window ${formatSpan(waiting!.window!)} of ${name} (${counts}${where}) waits for watermark ${formatTime(waiting!.atMs)}; ${now}: ${cause.text}`;
    case "timer":
      return `timers of ${name} (${counts}${where}) wait for watermark ${formatTime(waiting!.atMs)}; ${now}: ${cause.text}`;
    case "processingTimer": {
      const window = waiting!.window === undefined ? "timers" : `window ${formatSpan(waiting!.window)}`;
      return `${window} of ${name} (${counts}${where}): ${cause.text}`;
    }
    case "endOfInput":
      return `${name} emits at the end of its input: ${cause.text}`;
    case "trigger":
      return `windows of ${name} (${counts}${where}): ${cause.text}`;
    case "commit":
      return `${name} has rows that it does not show yet: ${cause.text}`;
    case "late":
    case "filtered":
      return `${name}: ${cause.text}`;
    default:
      return cause.text;
  }
}

function countsOf(first: Waiter, group: readonly Waiter[]): string {
  const same = group.flatMap(({ waiting }) =>
    waiting !== undefined && waiting.atMs === first.waiting?.atMs ? [waiting] : [],
  );
  const hasMore = same.some((waiting) => waiting.hasMore);
  const keys = same.reduce((sum, waiting) => sum + waiting.keys, 0);
  const timers = group.reduce((sum, { waiting }) => sum + (waiting?.timers ?? 0), 0);
  const parts = [formatCount(keys, "key", hasMore)];
  if (timers > 0) parts.push(formatCount(timers, "timer", hasMore));
  return parts.join(", ");
}

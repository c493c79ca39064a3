/** How a subtask has spent its time lately: what `TaskStatistics` adds up, as rates. */
import type { TaskState, TaskStatistics } from "./task-statistics.ts";

/** Milliseconds a second; the three add up to about 1000. */
export interface TimeShares {
  readonly busyMsPerSecond: number;
  readonly idleMsPerSecond: number;
  readonly backPressuredMsPerSecond: number;
}

/** Flink's levels: up to 10 % of the time, up to 50 %, above. @public */
export type BackPressureLevel = "OK" | "LOW" | "HIGH";

export function backPressureLevel(backPressuredMsPerSecond: number): BackPressureLevel {
  if (backPressuredMsPerSecond <= 100) return "OK";
  return backPressuredMsPerSecond <= 500 ? "LOW" : "HIGH";
}

const NOTHING_YET: TimeShares = { busyMsPerSecond: 0, idleMsPerSecond: 1000, backPressuredMsPerSecond: 0 };

/** A rate over less than this says little. */
const WINDOW_MS_MIN = 200;

interface Sample {
  readonly atMs: number;
  /** Spent so far, with what was not accounted for yet. */
  readonly spent: Readonly<Record<TaskState, number>>;
}

/** Watches one subtask from any thread; asked every now and then. */
export class TimeSharesSampler {
  readonly #statistics: TaskStatistics;
  #last: Sample | undefined;
  #shares: TimeShares = NOTHING_YET;

  constructor(statistics: TaskStatistics) {
    this.#statistics = statistics;
  }

  /** The shares since the last call, or those of the last call when that was a moment ago. */
  sample(nowMonoMs: number): TimeShares {
    const last = this.#last;
    if (last !== undefined && nowMonoMs - last.atMs < WINDOW_MS_MIN) return this.#shares;
    const { times, state } = this.#statistics;
    const spent = { busy: times.busyMs, idle: times.idleMs, backPressured: times.backPressuredMs };
    if (last !== undefined) {
      // No step has ended since: that time goes to what the subtask is doing.
      const accounted = total(spent) - total(last.spent);
      spent[state] += Math.max(0, nowMonoMs - last.atMs - accounted);
      this.#shares = sharesBetween(last.spent, spent);
    }
    this.#last = { atMs: nowMonoMs, spent };
    return this.#shares;
  }
}

function total({ busy, idle, backPressured }: Sample["spent"]): number {
  return busy + idle + backPressured;
}

/** What was foreseen for a state may have been spent on another one in the end. */
function sharesBetween(from: Sample["spent"], to: Sample["spent"]): TimeShares {
  const of = (state: TaskState): number => Math.max(0, to[state] - from[state]);
  const [busy, idle, backPressured] = [of("busy"), of("idle"), of("backPressured")];
  const scale = 1000 / Math.max(1e-9, busy + idle + backPressured);
  return {
    busyMsPerSecond: busy * scale,
    idleMsPerSecond: idle * scale,
    backPressuredMsPerSecond: backPressured * scale,
  };
}

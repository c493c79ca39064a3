/** How a subtask has spent its time lately: what `TaskStatistics` adds up, as rates. */
import type { TaskStatistics } from "./task-statistics.ts";

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
  readonly busyMs: number;
  readonly idleMs: number;
  readonly backPressuredMs: number;
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
    const now: Sample = { atMs: nowMonoMs, ...this.#statistics.times };
    this.#last = now;
    if (last !== undefined) this.#shares = sharesBetween(last, now, this.#statistics.state);
    return this.#shares;
  }
}

/** What is not accounted for yet, because no step has ended since, goes to what the subtask is doing. */
function sharesBetween(from: Sample, to: Sample, state: TaskStatistics["state"]): TimeShares {
  const spent = {
    busy: to.busyMs - from.busyMs,
    idle: to.idleMs - from.idleMs,
    backPressured: to.backPressuredMs - from.backPressuredMs,
  };
  spent[state] += Math.max(0, to.atMs - from.atMs - spent.busy - spent.idle - spent.backPressured);
  const scale = 1000 / Math.max(1e-9, spent.busy + spent.idle + spent.backPressured);
  return {
    busyMsPerSecond: spent.busy * scale,
    idleMsPerSecond: spent.idle * scale,
    backPressuredMsPerSecond: spent.backPressured * scale,
  };
}

/** Rounds with random plans until the time is over, and the verdict about memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Allowance, type Trend, trendOf } from "./memory.ts";
import type { RoundKind } from "./round-plan.ts";
import { type RoundReport, runRound } from "./run-round.ts";
import { Seeded } from "./seeded.ts";

const MIB = 2 ** 20;
const ROUND_MS_MIN = 3000;
const ROUND_MS_MAX = 15_000;
/** From this length on one round takes a third of the soak: a job that leaks must have the time to show it. */
const LONG_ROUND_FROM_MS = 180_000;

/** What a process may keep after a round: the allocator gives memory back late. */
const BETWEEN_ROUNDS: Allowance = { share: 0.15, mib: 32 };
const HEAP_BETWEEN_ROUNDS: Allowance = { share: 0.1, mib: 4 };
/** The heaps of four threads grow and shrink within their limits. */
const WITHIN_ROUND: Allowance = { share: 0.2, mib: 64 };

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: string;
  readonly print: (line: string) => void;
}

export interface SoakReport {
  readonly rounds: readonly RoundReport[];
  /** Undefined where there are too few rounds to judge by. */
  readonly memory: Readonly<Record<"resident" | "heap" | "long", Trend | undefined>>;
}

/** @throws Error when a record was lost, came twice, late or changed, or memory grows */
export async function runSoak({ minutes, seed, print }: SoakOptions): Promise<SoakReport> {
  const endMs = performance.now() + minutes * 60_000;
  const random = new Seeded(seed);
  const collectGarbage = garbageCollector();
  const rounds: RoundReport[] = [];
  const residentMib: number[] = [];
  const heapMib: number[] = [];
  let long: Trend | undefined;
  const longRound = minutes * 60_000 >= LONG_ROUND_FROM_MS ? 3 : -1;
  for (let index = 0; index < 2 || performance.now() + ROUND_MS_MIN < endMs; index++) {
    const isLong = index === longRound;
    const drawnMs = random.between(ROUND_MS_MIN, ROUND_MS_MAX);
    // A short soak has to fit in several rounds.
    const ms = isLong
      ? minutes * 20_000
      : Math.min(drawnMs, minutes * 15_000, Math.max(1000, endMs - performance.now()));
    const kind: RoundKind = !isLong && index % 3 === 1 ? "faults" : "steady";
    const report = await runRound({ seed: `${seed}:${index}`, kind, ms });
    rounds.push(report);
    collectGarbage();
    const { rss, heapUsed } = process.memoryUsage();
    residentMib.push(rss / MIB);
    heapMib.push(heapUsed / MIB);
    if (isLong) long = trendOf(report.residentMib, WITHIN_ROUND);
    print(`round ${index} ${kind}${isLong ? " (long)" : ""}: ${describe(report, rss / MIB, heapUsed / MIB)}`);
  }
  const memory = {
    resident: trendOf(residentMib, BETWEEN_ROUNDS),
    heap: trendOf(heapMib, HEAP_BETWEEN_ROUNDS),
    long,
  };
  for (const [what, trend] of Object.entries(memory)) judge(what, trend, print);
  return { rounds, memory };
}

function describe(report: RoundReport, rssMib: number, heapMib: number): string {
  const { records, exchanged, ms, restarts, checkpoints, taskCount, tasksHeldUp, heldUpShare, residentMib } = report;
  return [
    `${(ms / 1000).toFixed(1)} s`,
    `${records} records, ${exchanged} checked (${Math.round((exchanged / ms) * 1000)}/s)`,
    `${restarts} restarts, ${checkpoints} checkpoints`,
    `back-pressure HIGH in ${tasksHeldUp} of ${taskCount} tasks, ${Math.round(heldUpShare * 100)} % of the time`,
    `RSS ${Math.round(rssMib)} MiB (peak ${Math.round(Math.max(rssMib, ...residentMib))})`,
    `heap ${heapMib.toFixed(1)} MiB`,
  ].join("; ");
}

function judge(what: string, trend: Trend | undefined, print: (line: string) => void): void {
  if (trend === undefined) {
    print(`memory, ${what}: too few samples to say whether it is flat`);
    return;
  }
  const [first, last, limit] = [trend.firstMib, trend.lastMib, trend.limitMib].map((mib) => mib.toFixed(1));
  print(`memory, ${what}: ${first} MiB in the first third, ${last} MiB in the last one, limit ${limit} MiB`);
  if (!trend.isFlat) throw new Error(`memory grows (${what}): from ${first} MiB to ${last} MiB, limit ${limit} MiB`);
}

/** What is left after a round must not depend on when the collector last ran. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

import { KeyEntry, type Timer } from "../../../packages/core/src/state/key-entry.ts";
import { KeyedStateTable } from "../../../packages/core/src/state/keyed-state-table.ts";
import { TimerQueue } from "../../../packages/core/src/state/timer-queue.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";
import { scrambled } from "./sequence.ts";

const DELAYS = 65_536;
const pendingCounts = [100, 100_000];

/** Registering one timer and taking the next due one, with a number of timers waiting. @internal */
export const timerBenchmarks: readonly MicroBenchmark[] = pendingCounts.flatMap((pending) => [
  { name: `timers/queue, ${pending} pending`, prepare: () => inQueue(pending) },
  { name: `timers/table, ${pending} pending`, prepare: () => inTable(pending) },
]);

/** One timer comes, one goes: with delays below `2 * pending` about `pending` of them wait. */
function inQueue(pending: number): (count: number) => number {
  const delays = scrambled(DELAYS, 2 * pending);
  const queue = new TimerQueue();
  const entry = new KeyEntry(1, 0);
  let now = 0;
  const add = (): void => {
    const timeMs = now + delays[now & (DELAYS - 1)]!;
    const timer: Timer = { timeMs, seq: now, entry, domain: "event", isDeleted: false };
    queue.add(timer);
    now++;
  };
  while (now < pending) add();
  return (count) => {
    let fired = 0;
    for (let index = 0; index < count; index++) {
      add();
      while (queue.pollUntil(now) !== undefined) fired++;
    }
    return fired + queue.size;
  };
}

function inTable(pending: number): (count: number) => number {
  const delays = scrambled(DELAYS, 2 * pending);
  const table = new KeyedStateTable({ operatorName: "bench", uid: "bench" }, 128);
  let now = 0;
  const add = (): void => {
    table.select(now % (2 * pending));
    table.addTimer("event", now + delays[now & (DELAYS - 1)]!);
    now++;
  };
  while (now < pending) add();
  return (count) => {
    let fired = 0;
    for (let index = 0; index < count; index++) {
      add();
      for (let timer = table.pollTimer("event", now); timer !== undefined; timer = table.pollTimer("event", now)) {
        table.removeIfEmpty(timer.entry);
        fired++;
      }
    }
    return fired + table.map.size;
  };
}

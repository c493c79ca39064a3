import type { Clock } from "millrace";
import { SlotLoop, type Steppable } from "../../../packages/core/src/task/slot-loop.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";

const SUBTASKS = 3;
/** So short that a turn has some hundred passes, as with idle inputs. */
const SIMULATED_MS_PER_LOOK = 0.002;

/** One pass of the slot's loop over three subtasks that do nothing: what the loop itself costs. @internal */
export const slotLoopBenchmarks: readonly MicroBenchmark[] = [
  { name: "slot-loop/pass over 3 subtasks", prepare: () => passing(() => performance.now()) },
  { name: "slot-loop/pass over 3 subtasks, free clock", prepare: () => passing(simulatedTime()) },
];

function simulatedTime(): () => number {
  let nowMs = 0;
  return () => {
    nowMs += SIMULATED_MS_PER_LOOK;
    return nowMs;
  };
}

function passing(monoMs: () => number): (count: number) => number {
  let scheduled: (() => void) | undefined;
  const clock: Clock = {
    wallMs: monoMs,
    monoMs,
    // Runs below, at once, instead of in a turn of Node's event loop.
    soon: (action) => {
      scheduled = action;
      return () => {};
    },
    after: () => () => {},
  };
  let left = 0;
  let steps = 0;
  const subtask: Steppable = {
    step: () => {
      steps++;
      return --left > 0;
    },
    flushOutputs: () => {},
    nextDueMonoMs: () => Number.POSITIVE_INFINITY,
  };
  const loop = new SlotLoop({ clock, bufferTimeoutMs: 100 });
  loop.add(
    Array.from({ length: SUBTASKS }, () => subtask),
    [],
  );
  return (count) => {
    left = count * SUBTASKS;
    loop.wake();
    while (scheduled !== undefined) {
      const action = scheduled;
      scheduled = undefined;
      action();
    }
    return steps;
  };
}

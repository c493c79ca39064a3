import { expect, test } from "vitest";
import { TaskStatistics } from "./task-statistics.ts";
import { backPressureLevel, TimeSharesSampler } from "./time-shares.ts";

function statistics(): TaskStatistics {
  return new TaskStatistics(new ArrayBuffer(TaskStatistics.bytesFor(0, 0)), 0);
}

test("every millisecond is busy, idle or back-pressured", () => {
  const task = statistics();
  task.beginStep(1000);
  task.endStep(1010, true, "backPressured");
  task.beginStep(1040);
  task.endStep(1041, false, "idle");
  // Idle is also who waits for its turn after it has worked.
  task.beginStep(1100);
  task.endStep(1120, true, "idle");
  task.beginStep(1150);
  expect(task.times).toEqual({ busyMs: 10 + 20, idleMs: 1 + 59 + 30, backPressuredMs: 30 });
  expect(task.times.busyMs + task.times.idleMs + task.times.backPressuredMs).toBe(150);
});

test("shares are rates since the last look and add up to 1000", () => {
  const task = statistics();
  const sampler = new TimeSharesSampler(task);
  task.beginStep(0);
  sampler.sample(0);
  task.endStep(250, true, "backPressured");
  task.beginStep(1000);
  task.endStep(1000, false, "idle");
  expect(sampler.sample(1000)).toEqual({ busyMsPerSecond: 250, idleMsPerSecond: 0, backPressuredMsPerSecond: 750 });
  task.beginStep(1100);
  task.endStep(1500, true, "idle");
  expect(sampler.sample(2000)).toEqual({ busyMsPerSecond: 400, idleMsPerSecond: 600, backPressuredMsPerSecond: 0 });
});

test("what is not accounted for belongs to what the subtask is doing: one that never returns is busy", () => {
  const task = statistics();
  const sampler = new TimeSharesSampler(task);
  sampler.sample(0);
  task.beginStep(0);
  expect(sampler.sample(5000).busyMsPerSecond).toBe(1000);
  task.endStep(5000, true, "idle");
  expect(sampler.sample(9000).idleMsPerSecond).toBe(1000);
});

test.each([
  [0, "OK"],
  [100, "OK"],
  [101, "LOW"],
  [500, "LOW"],
  [501, "HIGH"],
  [1000, "HIGH"],
])("%d ms a second of back-pressure are %s", (ms, level) => {
  expect(backPressureLevel(ms)).toBe(level);
});

test("another thread sees the same figures through the same memory", () => {
  const memory = new SharedArrayBuffer(TaskStatistics.bytesFor(2, 1));
  const [own, other] = [new TaskStatistics(memory, 2), new TaskStatistics(memory, 2)];
  own.counts[1] = 7;
  own.gateCounts[0] = 9;
  own.watermarkMs = 123;
  own.buffersInUse = 4;
  own.beginStep(0);
  own.endStep(5, false, "backPressured");
  expect([...other.counts, ...other.gateCounts]).toEqual([0, 7, 9]);
  expect([other.watermarkMs, other.buffersInUse, other.state]).toEqual([123, 4, "backPressured"]);
});

/** Puts what a subtask counts anyway under Flink's metric names. Nothing here costs anything until somebody looks. */
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { ChainPlan } from "../operators/chain-plan.ts";
import type { Clock } from "../platform/platform.ts";
import { recordsInOf, recordsOutOf } from "../task/record-counts.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import { type TimeShares, TimeSharesSampler } from "../task/time-shares.ts";

export function registerTaskMetrics(
  task: MetricGroup,
  operators: readonly MetricGroup[],
  plan: ChainPlan,
  statistics: TaskStatistics,
  clock: Clock,
): void {
  const sampler = new TimeSharesSampler(statistics);
  const shares = (): TimeShares => sampler.sample(clock.monoMs());
  // From here on the first look shows what has happened since.
  shares();
  task.gauge("busyTimeMsPerSecond", () => shares().busyMsPerSecond);
  task.gauge("idleTimeMsPerSecond", () => shares().idleMsPerSecond);
  task.gauge("backPressuredTimeMsPerSecond", () => shares().backPressuredMsPerSecond);
  task.gauge("isBackPressured", () => statistics.state === "backPressured");
  task.gauge("numBuffersInUse", () => statistics.buffersInUse);
  task.gauge("numRecordsIn", () => statistics.gateCounts.reduce((sum, count) => sum + count, 0));
  operators.forEach((group, index) => {
    group.gauge("numRecordsIn", () => recordsInOf(plan, index, statistics));
    group.gauge("numRecordsOut", () => recordsOutOf(plan, index, statistics));
  });
}

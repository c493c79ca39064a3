/** Puts what a subtask counts anyway under Flink's metric names. Nothing here costs anything until somebody looks. */
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { ChainPlan } from "../operators/chain-plan.ts";
import { recordsInOf, recordsOutOf } from "../task/record-counts.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";

export function registerTaskMetrics(
  task: MetricGroup,
  operators: readonly MetricGroup[],
  plan: ChainPlan,
  statistics: TaskStatistics,
): void {
  task.gauge("busyTimeMs", () => statistics.times.busyMs);
  task.gauge("idleTimeMs", () => statistics.times.idleMs);
  task.gauge("backPressuredTimeMs", () => statistics.times.backPressuredMs);
  task.gauge("isBackPressured", () => statistics.state === "backPressured");
  task.gauge("numBuffersInUse", () => statistics.buffersInUse);
  task.gauge("numRecordsIn", () => statistics.gateCounts.reduce((sum, count) => sum + count, 0));
  operators.forEach((group, index) => {
    group.gauge("numRecordsIn", () => recordsInOf(plan, index, statistics));
    group.gauge("numRecordsOut", () => recordsOutOf(plan, index, statistics));
  });
}

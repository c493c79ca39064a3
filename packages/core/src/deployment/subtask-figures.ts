import type { JobVertex } from "../graph/job-graph.ts";
import type { TaskStatistics, TaskTimes } from "../task/task-statistics.ts";

/** Records and milliseconds of one subtask, since it was started. */
export interface SubtaskFigures extends TaskTimes {
  /** What came in; of a source, what it has read. */
  readonly recordsRead: number;
  /** What left its last operator. */
  readonly recordsWritten: number;
}

export function figuresOf(
  { operators }: JobVertex,
  statistics: Pick<TaskStatistics, "times" | "counts" | "gateCounts"> | undefined,
): SubtaskFigures {
  if (statistics === undefined) return { recordsRead: 0, recordsWritten: 0, busyMs: 0, backPressuredMs: 0, idleMs: 0 };
  const { times, gateCounts, counts } = statistics;
  const fromSources = operators.reduce(
    (sum, { spec, index }) => sum + (spec.kind === "source" ? counts[index]! : 0),
    0,
  );
  const fromGates = gateCounts.reduce((sum, count) => sum + count, 0);
  return { recordsRead: fromGates + fromSources, recordsWritten: counts[operators.at(-1)!.index]!, ...times };
}

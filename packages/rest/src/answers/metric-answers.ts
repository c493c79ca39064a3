/** Metrics of a job by their names: Flink's of jobs, and those of its slots by their identifiers. */
import type { CheckpointHistoryReport, JobDetails, MetricSnapshot } from "millrace/internal";
import type { MetricsBody } from "../rest-bodies.ts";

/** @param get - Names with commas between them; undefined: all names, without values. */
export function metricBodies(
  job: JobDetails,
  report: CheckpointHistoryReport | undefined,
  snapshots: readonly MetricSnapshot[],
  get: string | undefined,
): MetricsBody {
  const values = new Map<string, string>([...jobMetrics(job, report), ...snapshots.flatMap(valuesOf)]);
  if (get === undefined || get === "") return [...values.keys()].map((id) => ({ id }));
  return [...new Set(get.split(","))].flatMap((id) => {
    const value = values.get(id);
    return value === undefined ? [] : [{ id, value }];
  });
}

function jobMetrics(
  job: JobDetails,
  report: CheckpointHistoryReport | undefined,
): readonly (readonly [string, string])[] {
  const runningMs = job.timestampsMs.RUNNING;
  const figures: Record<string, number | string | undefined> = {
    numRestarts: job.restarts,
    fullRestarts: job.restarts,
    uptime:
      runningMs === undefined || job.status !== "RUNNING" ? undefined : job.startTimeMs + job.durationMs - runningMs,
  };
  if (report !== undefined) {
    const { counts, latest } = report;
    const last = latest.completed;
    Object.assign(figures, {
      totalNumberOfCheckpoints: counts.total,
      numberOfInProgressCheckpoints: counts.inProgress,
      numberOfCompletedCheckpoints: counts.completed,
      numberOfFailedCheckpoints: counts.failed,
      lastCheckpointDuration: last?.endToEndDurationMs,
      lastCheckpointSize: last?.checkpointedBytes,
      lastCheckpointFullSize: last?.stateBytes,
      lastCheckpointProcessedData: last?.processedBytes,
      lastCheckpointPersistedData: last?.persistedBytes,
      lastCheckpointExternalPath: last?.path,
      lastCheckpointRestoreTimestamp: latest.restored?.timestampMs,
    });
  }
  return Object.entries(figures).flatMap(([id, value]) => (value === undefined ? [] : [[id, String(value)] as const]));
}

/** A metric with several figures is several, as in Flink: `latency_max`. */
function valuesOf({ identifier: written, value }: MetricSnapshot): readonly (readonly [string, string])[] {
  // They are asked for with commas between them.
  const identifier = written.replaceAll(",", "_");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).map(([name, figure]) => [`${identifier}_${name}`, String(figure)] as const);
  }
  return [[identifier, String(value)]];
}

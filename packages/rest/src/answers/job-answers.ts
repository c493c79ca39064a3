/** What is told of a job. */
import type {
  ErrorMessage,
  ExceptionHistory,
  JobConfigDetails,
  JobDetails,
  JobOverview,
  JobProgress,
  JobStatus,
  TaskCounts,
} from "millrace/internal";
import type {
  AccumulatorBody,
  ExceptionBody,
  ExecutionResultBody,
  FailureCauseBody,
  JobConfigBody,
  JobDetailsBody,
  JobExceptionsBody,
  JobOverviewBody,
  JobProgressBody,
  TaskCountsBody,
} from "../rest-bodies.ts";
import { byName, EXECUTION_STATES } from "./execution-states.ts";
import { planBody, streamGraphBody } from "./plan-answers.ts";
import { vertexBodies } from "./vertex-answers.ts";

const JOB_STATES: readonly JobStatus[] = [
  "INITIALIZING",
  "CREATED",
  "RUNNING",
  "FAILING",
  "FAILED",
  "CANCELLING",
  "CANCELED",
  "FINISHED",
  "RESTARTING",
  "SUSPENDED",
  "RECONCILING",
];

export function jobOverviewBody(job: JobOverview): JobOverviewBody {
  return {
    jid: job.jobId,
    name: job.name,
    ...(job.isBatch === undefined ? {} : { jobType: job.isBatch ? ("BATCH" as const) : ("STREAMING" as const) }),
    "start-time": job.startTimeMs,
    "end-time": job.endTimeMs ?? -1,
    duration: job.durationMs,
    state: job.status,
    "last-modification": job.lastModificationMs,
    tasks: taskCountsBody(job.tasks),
    schedulerType: "Default",
    "pending-operators": 0,
  };
}

export function jobDetailsBody(job: JobDetails, nowMs: number): JobDetailsBody {
  const { plan, isBatch } = job;
  const vertices = vertexBodies(job, nowMs);
  return {
    jid: job.jobId,
    name: job.name,
    isStoppable: false,
    state: job.status,
    "start-time": job.startTimeMs,
    "end-time": job.endTimeMs ?? -1,
    duration: job.durationMs,
    now: nowMs,
    timestamps: byName(JOB_STATES, (status) => job.timestampsMs[status] ?? 0),
    vertices,
    // Of vertices, each by the state of all its subtasks together.
    "status-counts": byName(EXECUTION_STATES, (state) => vertices.filter(({ status }) => status === state).length),
    restarts: job.restarts,
    schedulerType: "Default",
    "pending-operators": 0,
    ...(plan === undefined || isBatch === undefined
      ? {}
      : {
          "job-type": isBatch ? "BATCH" : "STREAMING",
          plan: planBody(job.jobId, job.name, plan, isBatch),
          "stream-graph": streamGraphBody(plan),
        }),
  };
}

export function jobConfigBody({ jobId, name, configuration, execution }: JobConfigDetails): JobConfigBody {
  const userConfig = Object.fromEntries(configuration.map(({ key, value }) => [key, String(value)]));
  return {
    jid: jobId,
    name,
    "execution-config": {
      ...(execution === undefined
        ? {}
        : {
            "restart-strategy": restartStrategyText(execution.restartStrategy),
            "job-parallelism": execution.parallelism,
            "object-reuse-mode": execution.isObjectReused,
          }),
      "user-config": userConfig,
    },
  };
}

export function exceptionsBody({ entries, isTruncated }: ExceptionHistory, countMax: number): JobExceptionsBody {
  return {
    exceptionHistory: {
      entries: entries.slice(0, countMax).map(({ timestampMs, error, task }) => ({
        ...exceptionBody(timestampMs, error),
        ...(task === undefined
          ? {}
          : {
              taskName: task.name,
              ...(task.host === undefined ? {} : { endpoint: task.host }),
              ...(task.taskManagerId === undefined ? {} : { taskManagerId: task.taskManagerId }),
            }),
        concurrentExceptions: [],
      })),
      truncated: isTruncated || entries.length > countMax,
    },
  };
}

/** @param accumulators - What they hold, or why it cannot be had. */
export function executionResultBody(
  job: JobDetails,
  accumulators: ReadonlyMap<string, unknown> | ErrorMessage,
): ExecutionResultBody {
  if (job.endTimeMs === undefined) return { status: { id: "IN_PROGRESS" } };
  const isHad = accumulators instanceof Map;
  return {
    status: { id: "COMPLETED" },
    "job-execution-result": {
      id: job.jobId,
      name: job.name,
      "application-status": APPLICATION_STATUS[job.status] ?? "UNKNOWN",
      "accumulator-results": isHad
        ? Object.fromEntries(accumulatorBodies(accumulators).map(({ name, value }) => [name, value]))
        : {},
      ...(isHad ? {} : { "accumulator-failure": failureCauseBody(accumulators as ErrorMessage) }),
      "net-runtime": job.durationMs,
      "start-time": job.startTimeMs,
      "end-time": job.endTimeMs,
      ...(job.failure === undefined ? {} : { "failure-cause": failureCauseBody(job.failure) }),
    },
  };
}

const APPLICATION_STATUS: Partial<Record<JobStatus, "SUCCEEDED" | "FAILED" | "CANCELED">> = {
  FINISHED: "SUCCEEDED",
  FAILED: "FAILED",
  CANCELED: "CANCELED",
};

export function progressBody(progress: JobProgress): JobProgressBody {
  const { watermarkMs, checkpoints, ...rest } = progress;
  const { lastId, lastPath, lastCompletedMs, completed, failed } = checkpoints;
  return {
    ...rest,
    ...(watermarkMs === undefined ? {} : { watermarkMs }),
    checkpoints: {
      completed,
      failed,
      ...(lastId === undefined ? {} : { lastId }),
      ...(lastPath === undefined ? {} : { lastPath }),
      ...(lastCompletedMs === undefined ? {} : { lastCompletedMs }),
    },
  };
}

export function failureCauseBody(error: ErrorMessage): FailureCauseBody {
  return { class: error.coded?.code ?? error.name, "stack-trace": stackOf(error), error };
}

export function accumulatorBodies(accumulators: ReadonlyMap<string, unknown>): readonly AccumulatorBody[] {
  return [...accumulators].map(([name, value]) => ({ name, type: typeName(value), value: textOf(value) }));
}

function taskCountsBody(tasks: TaskCounts): TaskCountsBody {
  const counts = Object.fromEntries(
    EXECUTION_STATES.map((state) => [state.toLowerCase(), (tasks as Partial<Record<string, number>>)[state] ?? 0]),
  );
  const total = Object.values(tasks).reduce((sum, count) => sum + count, 0);
  // Every state has its key.
  return { total, ...counts } as TaskCountsBody;
}

function exceptionBody(timestampMs: number, error: ErrorMessage): ExceptionBody {
  return {
    exceptionName: error.coded?.code ?? error.name,
    stacktrace: stackOf(error),
    timestamp: timestampMs,
    failureLabels: {},
  };
}

/** With the causes below, as Java writes them. */
function stackOf(error: ErrorMessage): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`;
}

function restartStrategyText(strategy: NonNullable<JobConfigDetails["execution"]>["restartStrategy"]): string {
  switch (strategy.kind) {
    case "none":
      return "Restart deactivated.";
    case "fixed-delay":
      return `Restart with fixed delay (${strategy.delayMs} ms). #${strategy.attemptsMax} restart attempts.`;
    case "failure-rate":
      return `Failure rate restart with maximum of ${strategy.failuresMax} failures within interval ${strategy.intervalMs} ms and fixed delay ${strategy.delayMs} ms.`;
    case "exponential-delay":
      return `Restart with exponential delay: starting at ${strategy.initialDelayMs} ms, increasing by ${strategy.multiplier}, with maximum ${strategy.delayMaxMs} ms. Delay resets after ${strategy.resetAfterMs} ms with jitter ${strategy.jitter}.`;
    default:
      return strategy satisfies never;
  }
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (value instanceof Map) return "map";
  return value === null ? "null" : typeof value;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, each: unknown) => jsonOf(each)) ?? String(value);
}

function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}

/** What is told of the vertices of a job and of their subtasks: of current attempts. */
import type { JobDetails, SubtaskDetails, VertexDetails } from "millrace/internal";
import { summarize } from "millrace/internal";
import type { SubtaskTimesBody } from "../checkpoint-bodies.ts";
import type {
  AggregatedBody,
  ExecutionState,
  HexId,
  IoMetricsBody,
  JobVertexBody,
  JobVertexDetailsBody,
  SubtaskBody,
} from "../rest-bodies.ts";
import { slotSharingGroupId, vertexIdsOf } from "../vertex-id.ts";
import { byName, EXECUTION_STATES } from "./execution-states.ts";

/** What Flink says of a subtask that is nowhere. */
const UNASSIGNED = "(unassigned)";
/** The group of operators that are in no other. */
const DEFAULT_GROUP = "default";

export function vertexBodies(job: JobDetails, nowMs: number): readonly JobVertexBody[] {
  const { plan } = job;
  if (plan === undefined) return [];
  const ids = vertexIdsOf(plan);
  return job.vertices.map((vertex) => {
    const group = plan.vertices.find(({ id }) => id === vertex.vertexId)?.slotSharingGroup ?? DEFAULT_GROUP;
    return {
      id: ids.get(vertex.vertexId)!,
      slotSharingGroupId: slotSharingGroupId(group),
      name: vertex.name,
      maxParallelism: vertex.maxParallelism,
      parallelism: vertex.parallelism,
      status: stateOf(vertex),
      ...timesOf(vertex.subtasks, nowMs),
      tasks: countsOf(vertex),
      metrics: ioMetrics(vertex.subtasks),
    };
  });
}

/** Undefined when the job has no such vertex. */
export function vertexOf(job: JobDetails, id: HexId): VertexDetails | undefined {
  const ids = job.plan === undefined ? new Map<number, HexId>() : vertexIdsOf(job.plan);
  return job.vertices.find(({ vertexId }) => ids.get(vertexId) === id);
}

export function vertexDetailsBody(id: HexId, vertex: VertexDetails, nowMs: number): JobVertexDetailsBody {
  const subtasks = vertex.subtasks.map((subtask) => subtaskBody(subtask, nowMs));
  const durations = subtasks.map((subtask) => subtask["status-duration"]);
  const states = EXECUTION_STATES.filter((state) => durations.some((each) => each[state] !== undefined));
  return {
    id,
    name: vertex.name,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    now: nowMs,
    subtasks,
    aggregated: {
      metrics: byName(COUNTED, (name) => aggregatedBody(subtasks.map(({ metrics }) => metrics[name]))),
      "status-duration": byName(states, (state) => aggregatedBody(durations.map((each) => each[state] ?? 0))),
    },
  };
}

export function subtaskBody(subtask: SubtaskDetails, nowMs: number): SubtaskBody {
  const times = timesOf([subtask], nowMs);
  return {
    subtask: subtask.subtaskIndex,
    status: subtask.status,
    attempt: subtask.attempt,
    endpoint: subtask.host ?? UNASSIGNED,
    ...times,
    metrics: ioMetrics([subtask]),
    "taskmanager-id": subtask.taskManagerId ?? UNASSIGNED,
    "status-duration": durationsOf(subtask, nowMs),
    start_time: times["start-time"],
  };
}

export function subtaskTimesBody(id: HexId, vertex: VertexDetails, nowMs: number): SubtaskTimesBody {
  return {
    id,
    name: vertex.name,
    now: nowMs,
    subtasks: vertex.subtasks.map((subtask) => ({
      subtask: subtask.subtaskIndex,
      endpoint: subtask.host ?? UNASSIGNED,
      duration: timesOf([subtask], nowMs).duration,
      timestamps: byName(EXECUTION_STATES, (state) => timestampsOf(subtask)[state] ?? 0),
    })),
  };
}

const COUNTED = [
  "read-records",
  "write-records",
  "accumulated-backpressured-time",
  "accumulated-idle-time",
  "accumulated-busy-time",
] as const;

function timestampsOf({ timestampsMs }: SubtaskDetails): Readonly<Partial<Record<ExecutionState, number>>> {
  return timestampsMs;
}

/** How long the attempt was, or has been, in each state it came into. */
function durationsOf(subtask: SubtaskDetails, nowMs: number): Readonly<Partial<Record<ExecutionState, number>>> {
  const entered = EXECUTION_STATES.flatMap((state) => {
    const atMs = timestampsOf(subtask)[state];
    return atMs === undefined ? [] : [{ state, atMs }];
  }).sort((left, right) => left.atMs - right.atMs);
  const endMs = subtask.endTimeMs ?? nowMs;
  // The last one is the state that it has ended in.
  const left = subtask.endTimeMs === undefined ? entered : entered.slice(0, -1);
  return Object.fromEntries(
    left.map(({ state, atMs }, index) => [state, Math.max(0, (entered[index + 1]?.atMs ?? endMs) - atMs)]),
  );
}

/** Of several subtasks: from the first start to the last end. */
function timesOf(
  subtasks: readonly SubtaskDetails[],
  nowMs: number,
): Pick<JobVertexBody, "start-time" | "end-time" | "duration"> {
  const starts = subtasks.flatMap(({ startTimeMs }) => (startTimeMs === undefined ? [] : [startTimeMs]));
  if (starts.length === 0) return { "start-time": -1, "end-time": -1, duration: -1 };
  const ends = subtasks.flatMap(({ endTimeMs }) => (endTimeMs === undefined ? [] : [endTimeMs]));
  const startMs = Math.min(...starts);
  const endMs = ends.length === subtasks.length ? Math.max(...ends) : undefined;
  return { "start-time": startMs, "end-time": endMs ?? -1, duration: Math.max(0, (endMs ?? nowMs) - startMs) };
}

/** As Flink puts the states of subtasks together. */
function stateOf(vertex: VertexDetails): ExecutionState {
  const { tasks, parallelism } = vertex;
  if (tasks.FAILED > 0) return "FAILED";
  if (tasks.CANCELING > 0) return "CANCELING";
  if (tasks.CANCELED > 0) return "CANCELED";
  if (tasks.RUNNING > 0) return "RUNNING";
  if (tasks.FINISHED > 0) return tasks.FINISHED === parallelism ? "FINISHED" : "RUNNING";
  return tasks.DEPLOYING > 0 ? "DEPLOYING" : "CREATED";
}

function countsOf({ tasks }: VertexDetails): Readonly<Record<ExecutionState, number>> {
  return byName(EXECUTION_STATES, (state) => (tasks as Partial<Record<ExecutionState, number>>)[state] ?? 0);
}

function ioMetrics(subtasks: readonly SubtaskDetails[]): IoMetricsBody {
  const sum = (of: (subtask: SubtaskDetails) => number): number =>
    subtasks.reduce((total, each) => total + of(each), 0);
  return {
    "read-records": sum(({ recordsRead }) => recordsRead),
    "read-records-complete": true,
    "write-records": sum(({ recordsWritten }) => recordsWritten),
    "write-records-complete": true,
    "accumulated-backpressured-time": Math.round(sum(({ backPressuredMs }) => backPressuredMs)),
    "accumulated-idle-time": Math.round(sum(({ idleMs }) => idleMs)),
    "accumulated-busy-time": Math.round(sum(({ busyMs }) => busyMs)),
  };
}

function aggregatedBody(numbers: readonly number[]): AggregatedBody {
  const { min, max, sum, count, quantiles } = summarize(numbers);
  const avg = count === 0 ? 0 : Math.trunc(sum / count);
  const whole = (quantile: number): number => (Number.isNaN(quantile) ? 0 : Math.trunc(quantile));
  const { p25, p50, p75, p95 } = quantiles;
  return { min, max, avg, sum, median: whole(p50), p25: whole(p25), p75: whole(p75), p95: whole(p95) };
}

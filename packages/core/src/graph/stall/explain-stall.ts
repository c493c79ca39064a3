/**
 * Why nothing comes out of a job: finds what waits in the reports of its parts, and for each the way to what holds it back.
 * Pure.
 */
import type { WaitingForTime } from "../../operators/waiting.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import type { JobGraph, JobVertex } from "../job-graph.ts";
import * as causes from "./causes.ts";
import type { CheckpointsReport, JobReport, OperatorReport } from "./job-report.ts";
import { type OperatorAt, ReportedJob } from "./reported-job.ts";
import {
  type StallCause,
  type StallCauseKind,
  StallExplanation,
  type StallFinding,
  type StallPlace,
} from "./stall-explanation.ts";
import { StallWalk } from "./stall-walk.ts";
import { type Waiter, waitingText } from "./waiting-text.ts";

/** What goes on by itself comes last. */
const GOES_ON: ReadonlySet<StallCauseKind> = new Set(["behind", "busy", "inTransit", "processingTime", "endOfInput"]);

export function explainStall(graph: JobGraph, report: JobReport): StallExplanation {
  const { status, atMs, failure } = report;
  const job = new ReportedJob(graph, report);
  if (report.subtasks.length === 0 && report.silentSlots.length === 0) {
    const cause = causes.notRunning(status, failure);
    return new StallExplanation(status, atMs, [wholeJob(cause, cause.text)]);
  }
  const silent = report.silentSlots.map((slot) => {
    const [first] = slot.subtasks;
    const cause = causes.noAnswer(job.placeOfTask(first ?? { vertexId: 0, subtaskIndex: 0 }), slot);
    return wholeJob(cause, cause.text);
  });
  const waiters = graph.vertices.flatMap((vertex) =>
    vertex.operators.flatMap(({ index }) => [...job.allOf(vertex, index)].flatMap((at) => waitersAt(job, at))),
  );
  const found = grouped(job, waiters);
  const commits = sinks(job);
  const isUsual = isCommitUsual(report.checkpoints);
  const isNothing = found.length === 0 && (commits.length === 0 || isUsual);
  const others = isNothing ? [...filters(job), ...inputs(job)] : filters(job);
  const all = [...found, ...(isUsual ? [] : commits), ...others].toSorted((left, right) => rank(left) - rank(right));
  return new StallExplanation(status, atMs, [...silent, ...all, ...(isUsual ? commits : [])]);
}

function rank({ cause }: StallFinding): number {
  return GOES_ON.has(cause.kind) ? 1 : 0;
}

function wholeJob(cause: StallCause, text: string): StallFinding {
  return {
    what: "job",
    operator: cause.at?.operator,
    uid: cause.at?.uid,
    subtasks: cause.at === undefined ? [] : [cause.at.subtaskIndex],
    window: undefined,
    neededMs: undefined,
    watermarkMs: undefined,
    keys: undefined,
    path: [],
    cause,
    text,
  };
}

/** What one operator of one subtask waits for. */
function waitersAt(job: ReportedJob, at: OperatorAt): readonly Waiter[] {
  const report = job.operator(at);
  const subtask = job.subtask(at);
  if (report === undefined || subtask === undefined || subtask.isInputFinished) return [];
  const { event, processing, requests, loop, isForEnd, triggerKeys, lateDropped } = report.waiting;
  const place = job.placeOf(at);
  const { watermarkMs } = report;
  const waiters: Waiter[] = [];
  const add = (what: Waiter["what"], cause: StallCause, waiting?: WaitingForTime): void =>
    void waiters.push({ what, at, watermarkMs, waiting, path: [], cause });
  const isSorted = subtask.sortsInputs && report.recordsIn > 0;
  if (isForEnd === true || isSorted) waiters.push(walked(job, "endOfInput", at, MAX_WATERMARK, undefined));
  else if (event !== undefined) waiters.push(walked(job, event.window ? "window" : "timer", at, event.atMs, event));
  if (processing !== undefined && !isSorted) {
    const isDue = processing.atMs < job.report.atMs;
    const cause = isDue
      ? new StallWalk(job, undefined).heldUp(subtask)
      : causes.processingTime(place, processing.atMs, job.report.atMs);
    add("processingTimer", cause, processing);
  }
  if (requests !== undefined) add("requests", causes.asyncRequests(place, requests));
  if (loop !== undefined) add("iteration", causes.iteration(place, loop.waiting));
  if (triggerKeys !== undefined && triggerKeys > 0 && !isSorted) {
    const waiting = { atMs: 0, window: undefined, keys: triggerKeys, timers: undefined, hasMore: false };
    add("trigger", causes.trigger(place), waiting);
  }
  const isAllLate = lateDropped !== undefined && lateDropped > 0 && report.recordsOut === 0 && event === undefined;
  if (isAllLate) add("late", causes.late(place, lateDropped));
  return waiters;
}

function walked(
  job: ReportedJob,
  what: Waiter["what"],
  at: OperatorAt,
  neededMs: number,
  waiting: WaitingForTime | undefined,
): Waiter {
  const walk = new StallWalk(job, neededMs);
  const cause = walk.upstream(at);
  return { what, at, watermarkMs: job.operator(at)!.watermarkMs, waiting, path: walk.path, cause };
}

/** One finding for all subtasks of an operator that wait for the same reason. */
function grouped(job: ReportedJob, waiters: readonly Waiter[]): readonly StallFinding[] {
  const groups = new Map<string, Waiter[]>();
  for (const waiter of waiters) {
    const { at, what, cause } = waiter;
    const place = cause.at;
    // Each subtask that waits for itself waits for the same reason as the others.
    const isOwn = place?.subtaskIndex === at.subtaskIndex && isAt(job, at, place);
    const own = isOwn ? "" : `${place?.operator}/${place?.subtaskIndex}`;
    const name = `${at.vertexId}/${at.operator}/${what}/${cause.kind}/${own}/${cause.splits.join(",")}`;
    const known = groups.get(name);
    if (known === undefined) groups.set(name, [waiter]);
    else known.push(waiter);
  }
  return [...groups.values()].map((group) => findingOf(job, group));
}

function isAt(job: ReportedJob, at: OperatorAt, { uid, operator }: StallPlace): boolean {
  return uid === job.placeOf(at).uid || operator === job.vertex(at).name;
}

function findingOf(job: ReportedJob, group: readonly Waiter[]): StallFinding {
  const first = group.reduce((best, each) => (startOf(each) < startOf(best) ? each : best));
  const { at, what, waiting, path, cause } = first;
  const { operator, uid } = job.placeOf(at);
  const sameTime = group.filter((each) => startOf(each) === startOf(first));
  const watermarkMs = Math.min(...group.map((each) => each.watermarkMs));
  const neededMs = what === "endOfInput" ? MAX_WATERMARK : what === "trigger" ? undefined : waiting?.atMs;
  return {
    what,
    operator,
    uid,
    subtasks: group.map((each) => each.at.subtaskIndex),
    window: waiting?.window,
    neededMs,
    watermarkMs: watermarkMs === MIN_WATERMARK ? undefined : watermarkMs,
    keys: waiting === undefined ? undefined : sameTime.reduce((sum, each) => sum + (each.waiting?.keys ?? 0), 0),
    path,
    cause,
    text: waitingText(first, group, job),
  };
}

function startOf({ waiting }: Waiter): number {
  return waiting?.atMs ?? Number.POSITIVE_INFINITY;
}

/** Rows that wait for the next checkpoint are nothing unusual when there has been one before. */
function isCommitUsual({ isEnabled, completedCount, pending }: CheckpointsReport): boolean {
  return isEnabled && completedCount > 0 && pending === undefined;
}

/** Sinks that have got rows and have not shown the last of them. */
function sinks(job: ReportedJob): readonly StallFinding[] {
  const { checkpoints } = job.report;
  const waiters: Waiter[] = [];
  for (const { at, report } of operators(job)) {
    const { commits } = report.waiting;
    if (commits === undefined || report.recordsIn === 0) continue;
    const cause = causes.checkpoint(job.placeOf(at), checkpoints, missingOf(job));
    waiters.push({ what: "commit", at, watermarkMs: report.watermarkMs, waiting: undefined, path: [], cause });
  }
  return grouped(job, waiters);
}

/** Why the pending checkpoint has no answer of the first subtask that is missing. */
function missingOf(job: ReportedJob): StallCause | undefined {
  const [missing] = job.report.checkpoints.pending?.missing ?? [];
  if (missing === undefined) return undefined;
  const subtask = job.subtask(missing);
  if (subtask === undefined) return causes.noAnswer(job.placeOfTask(missing), job.silentSlotOf(missing));
  return new StallWalk(job, undefined).checkpoint(subtask, job.report.checkpoints.pending!.checkpointId);
}

/** Functions that have taken records and emitted none, in a job whose sinks have got nothing. */
function filters(job: ReportedJob): readonly StallFinding[] {
  const all = operators(job);
  const specOf = (at: OperatorAt): string => job.vertex(at).operators[at.operator]!.spec.kind;
  if (all.some(({ at, report }) => specOf(at) === "sink" && report.recordsIn > 0)) return [];
  const functions = all.filter(({ at }) => FUNCTIONS.has(specOf(at)));
  const waiters = functions
    .filter(({ at, report }) => {
      const same = functions.filter((each) => each.at.vertexId === at.vertexId && each.at.operator === at.operator);
      if (job.subtask(at)?.sortsInputs === true) return false;
      return report.recordsIn > 0 && isWithoutTimers(report) && same.every((each) => each.report.recordsOut === 0);
    })
    .map(({ at, report }): Waiter => {
      const cause = causes.filtered(job.placeOf(at), report.recordsIn);
      return { what: "filtered", at, watermarkMs: report.watermarkMs, waiting: undefined, path: [], cause };
    });
  return grouped(job, waiters);
}

const FUNCTIONS: ReadonlySet<string> = new Set(["filter", "flatMap", "process", "keyedProcess", "co", "intervalJoin"]);

function isWithoutTimers({ waiting }: OperatorReport): boolean {
  return waiting.event === undefined && waiting.processing === undefined;
}

/** Sources that bring nothing, in a job in which nothing else waits. */
function inputs(job: ReportedJob): readonly StallFinding[] {
  const waiters = operators(job).flatMap(({ at, report }): readonly Waiter[] => {
    const source = job.source(at);
    if (source === undefined || source.reader.hasEnded) return [];
    const cause = new StallWalk(job, undefined).source(source);
    return [{ what: "input", at, watermarkMs: report.watermarkMs, waiting: undefined, path: [], cause }];
  });
  return grouped(job, waiters);
}

function operators(job: ReportedJob): readonly { readonly at: OperatorAt; readonly report: OperatorReport }[] {
  return job.graph.vertices.flatMap((vertex: JobVertex) =>
    vertex.operators.flatMap(({ index }) =>
      [...job.allOf(vertex, index)].flatMap((at) => {
        const report = job.operator(at);
        return report === undefined ? [] : [{ at, report }];
      }),
    ),
  );
}

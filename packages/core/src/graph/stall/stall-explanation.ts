/** What is answered to the question why nothing comes out of a job. */

/**
 * Why something waits. The first ones end the way from what waits to what holds it back; the others are about operators
 * that do not wait for watermarks.
 *
 * - `noWatermarks`: the source has no watermark strategy. `noRecordYet`: a split has had no record, and so has no watermark.
 *   `silent`: no record has come for a while. `idle`: all splits are idle, and time stands still. `generator`: records come,
 *   but the job's own generator emits no watermark. `noSplit`: the subtask has nothing to read. `behind`: records come,
 *   and event time is not there yet. `endOfInput`: the input has not ended.
 * - `alignment`: the source is ahead of those that it is aligned with. `barrier`: a checkpoint is being aligned.
 *   `backPressure`: outputs are full. `asyncRequests`: requests have not been answered. `sink`: a sink takes no more.
 *   `iteration`: records still go around. `busy`: the subtask is at work. `inTransit`: the watermark is on its way.
 * - `noAnswer`: the subtask's thread has not answered. `notStarted`: the subtask is being started. `notRunning`: the job is.
 * - `processingTime`: the clock has not come to it. `trigger`: a trigger waits for more elements. `late`: all records came
 *   too late for their windows. `filtered`: a function has emitted nothing. `checkpoint`: a sink shows its rows when a
 *   checkpoint is complete.
 *
 * @public
 */
export type StallCauseKind =
  | "noWatermarks"
  | "noRecordYet"
  | "silent"
  | "idle"
  | "generator"
  | "noSplit"
  | "behind"
  | "endOfInput"
  | "alignment"
  | "barrier"
  | "backPressure"
  | "asyncRequests"
  | "sink"
  | "iteration"
  | "busy"
  | "inTransit"
  | "noAnswer"
  | "notStarted"
  | "notRunning"
  | "processingTime"
  | "trigger"
  | "late"
  | "filtered"
  | "checkpoint";

/** An operator in one subtask, or a whole task where the operator is not known. @public */
export interface StallPlace {
  /** Name of the operator, or of the task. */
  readonly operator: string;
  readonly uid: string | undefined;
  /** From 0. */
  readonly subtaskIndex: number;
  readonly parallelism: number;
}

/** What holds something back, and what to do about it. @public */
export interface StallCause {
  readonly kind: StallCauseKind;
  /** Undefined when it is the whole job. */
  readonly at: StallPlace | undefined;
  /** Splits of the source that hold it back; empty where the cause is not a split. */
  readonly splits: readonly string[];
  /** What is the case: a clause without a full stop. */
  readonly text: string;
  /** What to do, as an instruction. */
  readonly todo: string;
  /** What that has for a reason in its turn, such as the slow operator behind back-pressure. */
  readonly because: StallCause | undefined;
}

/** One step on the way from what waits to what holds it back. @public */
export interface StallHop {
  readonly at: StallPlace;
  /** In epoch milliseconds; undefined before the first. */
  readonly watermarkMs: number | undefined;
}

/** Something that waits, with what it waits for. @public */
export interface StallFinding {
  readonly what:
    | "window"
    | "timer"
    | "processingTimer"
    | "requests"
    | "iteration"
    | "endOfInput"
    | "trigger"
    | "late"
    | "filtered"
    | "commit"
    | "input"
    | "job";
  /** Undefined when it is the whole job. */
  readonly operator: string | undefined;
  readonly uid: string | undefined;
  /** Those that wait for the same reason, from 0. */
  readonly subtasks: readonly number[];
  /** `[start, end)` in epoch milliseconds. */
  readonly window: { readonly start: number; readonly end: number } | undefined;
  /** The watermark, or for timers of processing time the time of the clock, that is waited for, in epoch milliseconds. */
  readonly neededMs: number | undefined;
  /** Lowest watermark of these subtasks; undefined before the first. */
  readonly watermarkMs: number | undefined;
  /** Keys that wait; undefined where there are none. */
  readonly keys: number | undefined;
  /** From the operator that waits to the one that the cause is at; for the first of the subtasks. */
  readonly path: readonly StallHop[];
  readonly cause: StallCause;
  /** All of it in one sentence, without what to do. */
  readonly text: string;
}

/** Findings of the short form. */
const SHORT_FINDINGS_MAX = 3;
const FINDINGS_MAX = 20;

/**
 * Why nothing comes out of a job, as it was at one moment.
 *
 * @example
 * const { findings } = await client.explainStall();
 * for (const { text, cause } of findings) console.log(`${text}. ${cause.todo}.`);
 * @public
 */
export class StallExplanation {
  /** Flink's name of the job's state. */
  readonly status: string;
  /** When the job was asked, by the wall clock, in epoch milliseconds. */
  readonly atMs: number;
  /** What waits; what probably keeps the job from going on comes first. */
  readonly findings: readonly StallFinding[];

  /** @internal */
  constructor(status: string, atMs: number, findings: readonly StallFinding[]) {
    this.status = status;
    this.atMs = atMs;
    this.findings = findings;
  }

  /** Everything, for people: one paragraph for each finding. */
  get text(): string {
    return this.#lines(FINDINGS_MAX, true);
  }

  /** The first findings, one line for each. */
  get shortText(): string {
    return this.#lines(SHORT_FINDINGS_MAX, false);
  }

  /** {@link StallExplanation.text} */
  toString(): string {
    return this.text;
  }

  #lines(findingsMax: number, isLong: boolean): string {
    const shown = this.findings.slice(0, findingsMax);
    if (shown.length === 0) return "Nothing of the job waits for anything that it knows of.";
    const lines = shown.flatMap((finding, index) => {
      const { text, cause, path } = finding;
      const todo = innermost(cause).todo;
      if (!isLong) return [`- ${text}. ${todo}.`];
      const way = path.length < 2 ? [] : [`   way: ${path.map(hopText).join(" <- ")}`];
      return [`${index + 1}. ${text}.`, ...way, `   ${todo}.`];
    });
    const left = this.findings.length - shown.length;
    return [...lines, ...(left > 0 ? [`${isLong ? "" : "- "}and ${left} more`] : [])].join("\n");
  }
}

function innermost(cause: StallCause): StallCause {
  return cause.because === undefined ? cause : innermost(cause.because);
}

function hopText({ at }: StallHop): string {
  return at.parallelism === 1 ? `"${at.operator}"` : `"${at.operator}" ${at.subtaskIndex + 1}/${at.parallelism}`;
}

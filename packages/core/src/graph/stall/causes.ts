/** The causes that an explanation can end with: what is said of each, and what is to be done. Pure. */
import { MIN_WATERMARK } from "../../time/timestamps.ts";
import type { WatermarkAlignment } from "../../time/watermark-strategy.ts";
import type { CheckpointsReport } from "./job-report.ts";
import type { StallCause, StallCauseKind, StallPlace } from "./stall-explanation.ts";
import { formatAbout, formatCount, formatPlace, formatSplits, formatTime } from "./stall-text.ts";

interface More {
  readonly splits?: readonly string[];
  readonly because?: StallCause | undefined;
}

function cause(
  kind: StallCauseKind,
  at: StallPlace | undefined,
  text: string,
  todo: string,
  more: More = {},
): StallCause {
  const { splits = [], because } = more;
  const whole = because === undefined ? text : `${text}, because ${because.text}`;
  return { kind, at, splits, text: whole, todo, because };
}

function splitsOf(at: StallPlace, splits: readonly string[]): string {
  if (splits.length === 0) return formatPlace(at);
  return `${formatPlace(at)}, ${formatSplits(splits)}`;
}

// Sources and their splits

export function noWatermarks(at: StallPlace): StallCause {
  const text = `${formatPlace(at)} has no watermark strategy`;
  return cause(
    "noWatermarks",
    at,
    text,
    "Give fromSource a WatermarkStrategy, or call assignTimestampsAndWatermarks on the stream",
  );
}

export function noRecordYet(at: StallPlace, splits: readonly string[], idlenessMs: number | undefined): StallCause {
  const text = `${splitsOf(at, splits)}: no record has come yet, so there is no watermark`;
  return cause("noRecordYet", at, text, silenceTodo(idlenessMs), { splits });
}

export function silent(
  at: StallPlace,
  splits: readonly string[],
  silentMs: number,
  idlenessMs: number | undefined,
): StallCause {
  const marked =
    idlenessMs === undefined ? "and silence does not make it idle" : `idle only after ${formatAbout(idlenessMs)}`;
  const text = `${splitsOf(at, splits)}: no record for ${formatAbout(silentMs)}, ${marked}`;
  return cause("silent", at, text, silenceTodo(idlenessMs), { splits });
}

function silenceTodo(idlenessMs: number | undefined): string {
  return idlenessMs === undefined
    ? 'If it may be silent while others have records, let it fall idle: .withIdleness("30 s") on the source\'s WatermarkStrategy'
    : `It falls idle after ${formatAbout(idlenessMs)} of silence; lower withIdleness if that is too long`;
}

export function allIdle(at: StallPlace, splits: readonly string[]): StallCause {
  const text = `${splitsOf(at, splits)}: all of it is idle, so event time stands still until a record comes`;
  return cause(
    "idle",
    at,
    text,
    "Send records, or heartbeats with a timestamp, where windows have to end without them",
    {
      splits,
    },
  );
}

export function generator(at: StallPlace, splits: readonly string[], watermarkMs: number): StallCause {
  const last = watermarkMs === MIN_WATERMARK ? "no watermark" : `no watermark after ${formatTime(watermarkMs)}`;
  const text = `${splitsOf(at, splits)}: records come, but its watermark generator has emitted ${last}`;
  return cause("generator", at, text, "Correct the generator, or use WatermarkStrategy.forBoundedOutOfOrderness", {
    splits,
  });
}

export function noSplit(at: StallPlace, isAsking: boolean): StallCause {
  const asked = isAsking ? "it has asked for one and its enumerator has not answered" : "it has nothing to read";
  const text = `${formatPlace(at)} has no split: ${asked}`;
  return cause(
    "noSplit",
    at,
    text,
    "Run the source with no more subtasks than it has splits (setParallelism), or add .withIdleness to its WatermarkStrategy",
  );
}

/** How far something is that has records. */
export interface Reached {
  readonly splits: readonly string[];
  readonly watermarkMs: number;
  /** How much the watermark trails behind the highest timestamp. */
  readonly delayMs: number;
  readonly records: number;
}

export function behind(at: StallPlace, { splits, watermarkMs, delayMs, records }: Reached): StallCause {
  const bound = delayMs === 0 ? "" : ` (${formatAbout(delayMs)} behind the latest record)`;
  const reached =
    watermarkMs === MIN_WATERMARK ? "" : `, and its watermark has come to ${formatTime(watermarkMs)}${bound}`;
  const text = `${splitsOf(at, splits)} goes on: ${formatCount(records, "record")} so far${reached}`;
  return cause(
    "behind",
    at,
    text,
    "Nothing, if the data is that old; otherwise look at its rate, and at its timestamps",
    {
      splits,
    },
  );
}

export function notEnded(at: StallPlace, isUnbounded: boolean): StallCause {
  const text = isUnbounded
    ? `${formatPlace(at)} is unbounded: its input never ends`
    : `${formatPlace(at)} has not been read to its end`;
  const todo = isUnbounded
    ? "Use a window that ends, or a bounded source"
    : "Nothing, if records come; otherwise look at what the source waits for";
  return cause("endOfInput", at, text, todo);
}

export function alignment(
  at: StallPlace,
  splits: readonly string[],
  aligned: WatermarkAlignment,
  because: StallCause | undefined,
): StallCause {
  const text = `${splitsOf(at, splits)} is paused: it is more than ${formatAbout(aligned.maxDriftMs)} ahead in alignment group "${aligned.group}"`;
  return cause("alignment", at, text, "Look at what the slowest source of the group waits for, or raise the drift", {
    splits,
    because,
  });
}

// What holds up a subtask

export function backPressure(at: StallPlace, because: StallCause): StallCause {
  const text = `${formatPlace(at)} has no room in its outputs`;
  return cause("backPressure", at, text, because.todo, { because });
}

export function busy(at: StallPlace): StallCause {
  const text = `${formatPlace(at)} is still at work on what it has`;
  return cause("busy", at, text, "Make its functions faster, or raise its parallelism");
}

export function asyncRequests(
  at: StallPlace,
  requests: { readonly count: number; readonly capacity: number },
): StallCause {
  const text = `${formatPlace(at)} waits for ${formatCount(requests.count, "answer")} (capacity ${requests.capacity})`;
  return cause("asyncRequests", at, text, "Look at the service that it asks, lower its timeout, or raise its capacity");
}

export function slowSink(at: StallPlace): StallCause {
  const text = `${formatPlace(at)} takes no records: what it has is not written yet`;
  return cause("sink", at, text, "Look at the system that it writes to, or raise the sink's parallelism");
}

export function iteration(at: StallPlace, waiting: number): StallCause {
  const what =
    waiting === 0 ? "waits for its loop to be empty" : `has ${formatCount(waiting, "record")} that go around again`;
  const text = `${formatPlace(at)} ${what}`;
  return cause(
    "iteration",
    at,
    text,
    "Let the stream given to closeWith hold fewer records than came in, or give iterate a maximal wait time",
  );
}

export function barrier(at: StallPlace, checkpointId: number, because: StallCause): StallCause {
  const text = `${formatPlace(at)} waits for the barrier of checkpoint ${checkpointId} on other inputs`;
  return cause("barrier", at, text, because.todo, { because });
}

export function stopping(at: StallPlace): StallCause {
  const text = `${formatPlace(at)} reads nothing more: the job is being stopped`;
  return cause("checkpoint", at, text, "Wait for the last checkpoint, or cancel the job");
}

export function inTransit(at: StallPlace, watermarkMs: number): StallCause {
  const text = `${formatPlace(at)} has emitted watermark ${formatTime(watermarkMs)}, which is on its way`;
  return cause("inTransit", at, text, "Ask again: it arrives within execution.buffer-timeout.interval");
}

export function noAnswer(
  at: StallPlace,
  slot: { readonly slot: number; readonly place: string } | undefined,
): StallCause {
  const text =
    slot === undefined
      ? `${formatPlace(at)} has not said how it is`
      : `${formatPlace(at)} does not answer: the thread of slot ${slot.slot} is blocked, ${slot.place}`;
  return cause(
    "noAnswer",
    at,
    text,
    "Correct the function that does not return; functions must not wait or compute for long",
  );
}

export function notStarted(at: StallPlace): StallCause {
  const text = `${formatPlace(at)} is being started`;
  return cause(
    "notStarted",
    at,
    text,
    "Wait; if it does not start, look at its open(), and at what its sink commits from the last checkpoint",
  );
}

export function notRunning(status: string, failure: string | undefined): StallCause {
  const text = `the job is ${status}${failure === undefined ? "" : ` after: ${failure.replace(/\.$/, "")}`}`;
  return cause("notRunning", undefined, text, notRunningTodo(status));
}

function notRunningTodo(status: string): string {
  switch (status) {
    case "RESTARTING":
    case "FAILING":
      return "Remove the cause of the failure";
    case "FAILED":
      return "Remove the cause of the failure, and start the job again";
    case "FINISHED":
    case "CANCELED":
      return "Nothing: nothing more comes out of a job that has ended";
    default:
      return "Wait until it is RUNNING";
  }
}

// What does not wait for watermarks

export function processingTime(at: StallPlace, dueMs: number, nowMs: number): StallCause {
  const text = `the clock has to come to ${formatTime(dueMs)}, in ${formatAbout(Math.max(0, dueMs - nowMs))}`;
  return cause("processingTime", at, text, "Wait; nothing else is needed");
}

export function trigger(at: StallPlace): StallCause {
  const text = "no timer is set: their trigger waits for more elements";
  return cause("trigger", at, text, "Send more records of these keys, or use a trigger that also fires after a time");
}

export function late(at: StallPlace, dropped: number): StallCause {
  const text = `${formatCount(dropped, "record")} came too late for their windows and were dropped`;
  return cause(
    "late",
    at,
    text,
    "Raise the out-of-orderness of the WatermarkStrategy, or use allowedLateness or sideOutputLateData",
  );
}

export function filtered(at: StallPlace, recordsIn: number): StallCause {
  const text = `it has taken ${formatCount(recordsIn, "record")} and emitted none`;
  return cause("filtered", at, text, "Look at its function and at its input: a condition may never hold");
}

export function checkpoint(
  at: StallPlace | undefined,
  report: CheckpointsReport,
  because: StallCause | undefined,
): StallCause {
  const { isEnabled, pending, sinceCompletedMs, intervalMs } = report;
  if (!isEnabled) {
    const todo = "Set execution.checkpointing.interval, or use a sink that writes at once";
    return cause(
      "checkpoint",
      at,
      "the job takes no checkpoints, and its sink shows rows only at the end of the input",
      todo,
    );
  }
  if (pending !== undefined) {
    const text = `checkpoint ${pending.checkpointId} has been under way for ${formatAbout(pending.sinceMs)}`;
    const missing = formatCount(pending.missing.length, "subtask");
    return cause("checkpoint", at, `${text}, with ${missing} missing`, "Look at the subtasks that are missing", {
      because,
    });
  }
  const last =
    sinceCompletedMs === undefined
      ? "none is complete yet"
      : `the last was complete ${formatAbout(sinceCompletedMs)} ago`;
  const every = intervalMs === undefined ? "" : `, and one is due every ${formatAbout(intervalMs)}`;
  return cause(
    "checkpoint",
    at,
    `rows are shown with the next checkpoint: ${last}${every}`,
    "Wait, or lower execution.checkpointing.interval",
  );
}

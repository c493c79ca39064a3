/** What is said when a slot, or the thread it has, does not do what it should. */
import { formatDuration } from "../../base/duration.ts";
import { MillraceError } from "../../base/errors.ts";

/** Where a thread that does not answer is. */
export interface BlockedPlace {
  readonly task: string | undefined;
  readonly at: string | undefined;
  readonly text: string;
}

/** The thread did not answer any more. */
export function blocked(silentMs: number, { task, at }: BlockedPlace, slot: number): MillraceError {
  return new MillraceError("MR_SLOT_BLOCKED", {
    what: "A slot's thread did not answer any more and was ended",
    where: { slot, ...(task === undefined ? {} : { task }), ...(at === undefined ? {} : { at }) },
    found: `no answer for ${Math.round(silentMs)} ms`,
    expected: "functions that return soon: one that never does stops every subtask of its slot",
    todo: "Correct the endless or very long computation, or raise taskmanager.slot.blocked-timeout",
  });
}

/** The thread ended by itself. */
export function diedOf(
  exitCode: number,
  failure: Error | undefined,
  where: Readonly<Record<string, string | number>>,
): MillraceError {
  if ((failure as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new MillraceError("MR_SLOT_OUT_OF_MEMORY", {
      what: "A slot's thread ended because its JavaScript heap was full",
      where,
      todo: "Keep less in state and in variables, use more slots, or raise taskmanager.memory.task.heap.size",
      cause: failure,
    });
  }
  return new MillraceError("MR_SLOT_DIED", {
    what: "A slot's thread ended",
    where,
    found: failure === undefined ? `exit code ${exitCode}` : `an error that nobody caught: ${failure.message}`,
    todo: "Look at the cause; errors in timers, promises and event handlers of user code end the thread they happen in",
    ...(failure === undefined ? {} : { cause: failure }),
  });
}

/** Closing took longer than it may. */
export function notClosed(where: Readonly<Record<string, string | number>>, timeoutMs: number): MillraceError {
  return new MillraceError("MR_CLOSE_TIMEOUT", {
    what: "What an attempt was using did not close when the attempt was cancelled, and was left behind",
    where,
    found: `a close() that has not returned after ${formatDuration(timeoutMs)}`,
    expected: "functions, sources and sinks that close soon",
    todo: "Correct the close() that waits for something that never comes, or raise task.cancellation.timeout",
  });
}

/** The slots' part of the accumulators is not there any more. */
export function accumulatorsLost(slots: readonly number[]): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_FAILED", {
    what: "The accumulators have no result: a thread ended before it had told what its subtasks added",
    where: { slots: slots.join(", ") },
    todo: "Nothing: the job itself is not affected",
  });
}

/** The job was over before its threads were running. */
export function jobEnded(): MillraceError {
  return new MillraceError("MR_JOB_CANCELED", {
    what: "The job ended while its slots were being started",
    todo: "Nothing: this is what was asked for",
  });
}

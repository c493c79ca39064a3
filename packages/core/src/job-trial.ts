/**
 * Above all rooms: builds a job in a thread of its own before a process that others need builds it. What the thread does not
 * survive, or does not come back from, would have ended or stopped the process.
 */
import { type ErrorMessage, fromErrorMessage } from "./base/error-message.ts";
import { MillraceError } from "./base/errors.ts";
import type { LayeredEntry } from "./config/option-registry.ts";
import type { Clock, StackFrame, WorkerHandle, Workers } from "./platform/platform.ts";

/** A job may ask others for schemas while it is built, but not for ever. */
const BUILD_MS_MAX = 60_000;

/** How long a thread is asked for its stack that does not come back. */
const STACK_MS_MAX = 5000;

/** What the thread starts with. @internal */
export interface TrialInput {
  readonly url: string;
  readonly args: readonly string[];
  readonly given: readonly LayeredEntry[];
}

/** What the thread says, once. @internal */
export type TrialResult = { readonly kind: "built" } | { readonly kind: "failed"; readonly error: ErrorMessage };

/** @internal */
export interface TrialOptions {
  readonly workers: Workers;
  readonly clock: Pick<Clock, "after">;
  /** The module whose `main` is the thread's. */
  readonly threadUrl: string;
}

/**
 * Settles when the job can be built.
 * @throws MillraceError `MR_JOB_BUILD_TIMEOUT`, `MR_JOB_BUILD_DIED`, and what the job throws
 * @internal
 */
export async function tryJob(input: TrialInput, options: TrialOptions): Promise<void> {
  const { workers, clock, threadUrl } = options;
  const worker = workers.spawn(threadUrl, input, { name: "job trial", willImport: [input.url] });
  let cancelTimer = (): void => {};
  const isLate = new Promise<"late">((resolve) => {
    cancelTimer = clock.after(BUILD_MS_MAX, () => resolve("late"));
  });
  try {
    const result = await Promise.race([resultOf(worker, input.url), isLate]);
    if (result === "late") throw buildTimeout(input.url, await stackOf(worker, clock));
    if (result.kind === "failed") throw fromErrorMessage(result.error);
  } finally {
    cancelTimer();
    await worker.terminate();
  }
}

function resultOf(worker: WorkerHandle, url: string): Promise<TrialResult> {
  return new Promise((resolve, reject) => {
    worker.onMessage((message) => resolve(message as TrialResult));
    worker.onExit((exitCode, failure) => reject(buildDied(url, exitCode, failure)));
  });
}

/** Empty where the thread cannot be looked into in time. */
function stackOf(worker: WorkerHandle, clock: Pick<Clock, "after">): Promise<readonly StackFrame[]> {
  return new Promise((resolve) => {
    const cancel = clock.after(STACK_MS_MAX, () => resolve([]));
    void worker.callStack().then(
      (frames) => {
        cancel();
        resolve(frames);
      },
      () => resolve([]),
    );
  });
}

function buildTimeout(url: string, frames: readonly StackFrame[]): MillraceError {
  // The engine may be at work for the job's own line.
  const ofJob = frames.find((frame) => frame.url.startsWith(url));
  const own = ofJob ?? frames.find((frame) => !frame.url.startsWith("node:"));
  const place = own === undefined ? "" : `; it is in ${own.functionName || "its module"} at ${own.url}:${own.line}`;
  return new MillraceError("MR_JOB_BUILD_TIMEOUT", {
    what: "The job's code does not come to its end while it builds the pipeline",
    where: { module: url },
    found: `nothing after ${BUILD_MS_MAX} ms${place}`,
    expected: "a module and a default export that only describe what is to be done with records",
    todo: "Move loops and waiting into a source or into the open() of a function",
  });
}

function buildDied(url: string, exitCode: number, failure: Error | undefined): MillraceError {
  return new MillraceError("MR_JOB_BUILD_DIED", {
    what: "The job's code ended its thread while it built the pipeline",
    where: { module: url },
    found: failure === undefined ? `exit code ${exitCode}` : `${failure.name}: ${failure.message}`,
    expected: "a module and a default export that only describe what is to be done with records",
    todo: "Correct what fails outside of the function that builds the job, such as a promise that nobody awaits",
    cause: failure,
  });
}

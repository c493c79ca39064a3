import { MillraceError } from "millrace";
import { refuseProcessExit } from "millrace/internal";
import type { ProcessLog } from "./process-log.ts";

/** Exit code of a process that was interrupted twice, as shells have it. */
const INTERRUPTED = 130;

/** Ends the process. @internal */
export type Exit = (code: number) => never;

/**
 * For a process in which the code of jobs runs: it outlives what jobs do to it, and is ended by what is returned only.
 *
 * @internal
 */
export function outliveJobs(log: ProcessLog): Exit {
  const exit = refuseProcessExit("a process of the cluster");
  outliveStrayErrors(log, exit);
  return exit;
}

/**
 * Settles when the process is to end: by SIGTERM, SIGINT or SIGHUP, or because whoever has started it and holds a channel to it
 * is gone. A second signal ends the process at once.
 *
 * @internal
 */
export function untilEnded(log: ProcessLog, exit: Exit): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    const end = (why: string): void => {
      if (isEnding) exit(INTERRUPTED);
      isEnding = true;
      log.info(`${why}: ending`);
      resolve();
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => end(signal));
    if (process.channel !== undefined) process.once("disconnect", () => isEnding || end("the cluster has ended"));
  });
}

/**
 * The code of jobs runs in the process, and a promise or timer that it has left behind may fail at any time. That is no reason
 * to end what other jobs need; a failure of the engine itself is one.
 */
function outliveStrayErrors(log: ProcessLog, exit: Exit): void {
  process.on("uncaughtException", (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const isExit = error instanceof MillraceError && error.code === "MR_PROCESS_EXIT";
    if (!isExit && isOfEngine(text)) {
      process.stderr.write(`${text}\n`);
      exit(1);
    }
    log.warn(`the code of a job has left something behind that failed: ${text}`);
  });
}

/** Whether it was thrown by the engine: what its own first frame says. @internal */
export function isOfEngine(stack: string): boolean {
  const first = stack.split("\n").find((line) => /^\s+at /.test(line) && !line.includes("node:"));
  return first === undefined || /packages\/(?:core|cli|rest)\/|node_modules\/(?:millrace|@millrace)\//.test(first);
}

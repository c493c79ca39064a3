/** Checkpoints that somebody has asked for beside the period, and waits for. */
import { MillraceError } from "../base/errors.ts";
import type { RestartPoint } from "../jobmanager/jobmaster/job-checkpoints.ts";
import type { JobStatus } from "../jobmanager/jobmaster/job-status.ts";
import type { Clock } from "../platform/platform.ts";

interface Waiting {
  readonly firstId: number;
  resolve(taken: RestartPoint): void;
  reject(error: MillraceError): void;
}

export class RequestedCheckpoints {
  readonly #clock: Clock;
  readonly #job: string;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock, job: string) {
    this.#clock = clock;
    this.#job = job;
  }

  /**
   * Settles with the first checkpoint from this id on that completes.
   * @throws MillraceError `MR_CHECKPOINT_FAILED` when the job stops running, or the time is over
   */
  wait(firstId: number, timeoutMs: number): Promise<RestartPoint> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        firstId,
        resolve: (taken) => {
          cancel();
          this.#waiting.delete(waiting);
          resolve(taken);
        },
        reject: (error) => {
          cancel();
          this.#waiting.delete(waiting);
          reject(error);
        },
      };
      const cancel = this.#clock.after(timeoutMs, () =>
        waiting.reject(this.#notTaken(`no checkpoint after ${timeoutMs} ms`)),
      );
      this.#waiting.add(waiting);
    });
  }

  onRestartPoint(taken: RestartPoint): void {
    for (const waiting of [...this.#waiting]) if (taken.checkpointId >= waiting.firstId) waiting.resolve(taken);
  }

  onStatus(status: JobStatus): void {
    if (status === "RUNNING") return;
    for (const waiting of [...this.#waiting]) waiting.reject(this.#notTaken(`the job is ${status}`));
  }

  #notTaken(found: string): MillraceError {
    return new MillraceError("MR_CHECKPOINT_FAILED", {
      what: "The checkpoint that was asked for has not been completed",
      where: { job: this.#job },
      found,
      todo: "See why the job does not run or why its checkpoints fail, and ask again",
    });
  }
}

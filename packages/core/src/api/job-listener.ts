/** Who is told about the jobs of an environment. */
import { MillraceError } from "../base/errors.ts";
import { describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";
import type { JobClient } from "./job-client.ts";
import type { JobExecutionResult } from "./job-execution-result.ts";

/**
 * Is told when a job of an environment has been started and when it has ended. Of the two arguments of each method one is
 * undefined.
 *
 * What a listener throws does not affect the job: it is written to standard error as a warning, `MR_JOB_LISTENER_FAILED`.
 * Listeners are called one after the other; promises that they return are not waited for.
 *
 * @example
 * env.registerJobListener({
 *   onJobSubmitted: (client, error) => console.log(client === undefined ? error : client.getJobId()),
 *   onJobExecuted: (result, error) => console.log(result === undefined ? error : result.getNetRuntime()),
 * });
 * @public
 */
export interface JobListener {
  /** A job has been started, by whichever method; or it could not be, and the method throws `error`. */
  onJobSubmitted?(client: JobClient | undefined, error: unknown): void;
  /**
   * A job has ended; or it has failed or was cancelled, with `error`. As in Flink only for `execute`, which waits for the end:
   * after `executeAsync` and `executeAndCollect` the client tells it.
   */
  onJobExecuted?(result: JobExecutionResult | undefined, error: unknown): void;
}

const METHODS = ["onJobSubmitted", "onJobExecuted"] as const;

/** @throws MillraceError `MR_ARGUMENT_INVALID` unless it has one of the methods, and no other thing under their names. @internal */
export function checkListener(call: UserCall, listener: unknown): void {
  const owner =
    typeof listener === "object" && listener !== null ? (listener as Readonly<Record<string, unknown>>) : {};
  const given = METHODS.filter((method) => owner[method] !== undefined);
  if (given.length > 0 && given.every((method) => typeof owner[method] === "function")) return;
  const expected = `an object with ${METHODS.map((method) => `${method}()`).join(" or ")}`;
  throw invalidArgument(call, describeValue(listener), expected, `Pass ${expected}`);
}

/** The listeners of one environment, in the order of their registration. @internal */
export class JobListeners {
  readonly #warn: (message: string) => void;
  #listeners: readonly JobListener[] = [];

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  get all(): readonly JobListener[] {
    return this.#listeners;
  }

  add(listener: JobListener): void {
    this.#listeners = [...this.#listeners, listener];
  }

  clear(): void {
    this.#listeners = [];
  }

  /** Tells how the start went, and passes it on. */
  async submitted(started: Promise<JobClient>): Promise<JobClient> {
    return this.#told("onJobSubmitted", started, (listener, client, error) => listener.onJobSubmitted?.(client, error));
  }

  /** Tells how the job ended, and passes it on. */
  async executed(ended: Promise<JobExecutionResult>): Promise<JobExecutionResult> {
    return this.#told("onJobExecuted", ended, (listener, result, error) => listener.onJobExecuted?.(result, error));
  }

  async #told<T>(
    method: string,
    happening: Promise<T>,
    tell: (listener: JobListener, value: T | undefined, error: unknown) => unknown,
  ): Promise<T> {
    const [happened] = await Promise.allSettled([happening]);
    const { value, error } =
      happened.status === "fulfilled"
        ? { value: happened.value, error: undefined }
        : { value: undefined, error: happened.reason as unknown };
    for (const listener of this.#listeners) {
      try {
        // An async method is allowed where nothing is returned.
        Promise.resolve(tell(listener, value, error)).catch((thrown: unknown) => this.#report(method, thrown));
      } catch (thrown) {
        this.#report(method, thrown);
      }
    }
    return happening;
  }

  #report(method: string, thrown: unknown): void {
    const failure = new MillraceError("MR_JOB_LISTENER_FAILED", {
      what: `${method} of a job listener failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      where: { method },
      todo: "Correct the listener; the job itself is not affected",
      cause: thrown,
    });
    this.#warn(failure.message);
  }
}

/** Follows a job of a cluster to its end, through restarts of its JobManager, and shows how far it is. */
import type { JobProgressBody, RestClient } from "@millrace/rest/client";
import { type JobProgress, MillraceError } from "millrace";
import { progressLine } from "../progress.ts";
import { StallWatch, silentLines } from "../stall-watch.ts";
import { type JobResultBody, progressOf } from "./ended-job.ts";

const POLL_MS = 250;

/** A JobManager that is away for longer is given up. */
const AWAY_MS_MAX = 300_000;

/** A job that has not begun to run for so long is probably waiting for slots. */
const SLOTS_AFTER_MS = 3000;

const WAITING: ReadonlySet<string> = new Set(["CREATED", "INITIALIZING", "RESTARTING"]);

/** Where progress is shown: a terminal, or a pipe, which gets no progress line. @internal */
export interface WatchOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What a watch asks. @internal */
export type WatchedCluster = Pick<
  RestClient,
  "executionResult" | "progress" | "stall" | "overview" | "job" | "exceptions" | "address"
>;

/** What a test puts in the world's place. @internal */
export interface WatchClock {
  monoMs(): number;
  wallMs(): number;
  pause(ms: number): Promise<void>;
}

const realClock: WatchClock = {
  monoMs: () => performance.now(),
  wallMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** @internal */
export class JobWatch {
  readonly #client: WatchedCluster;
  readonly #jobId: string;
  readonly #output: WatchOutput;
  readonly #clock: WatchClock;
  #before: { readonly records: number; readonly atMs: number };
  /** Since when no JobManager answers. */
  #awayMs: number | undefined;
  /** Since when the job waits to run; infinite when it has been said why. */
  #waitsMs: number | undefined;
  #restarts = 0;
  readonly #stalls: StallWatch;

  /**
   * @param client - One that does not repeat its calls.
   * @param stallAfterMs - After so long without output the job is asked why nothing comes.
   */
  constructor(
    client: WatchedCluster,
    jobId: string,
    output: WatchOutput,
    stallAfterMs: number,
    clock: WatchClock = realClock,
  ) {
    this.#client = client;
    this.#jobId = jobId;
    this.#output = output;
    this.#clock = clock;
    this.#before = { records: 0, atMs: clock.monoMs() };
    this.#stalls = new StallWatch(stallAfterMs);
  }

  /** @throws MillraceError what the cluster answers; `MR_REST_UNREACHABLE` when no JobManager comes back */
  async untilEnd(): Promise<JobResultBody> {
    for (;;) {
      const result = await this.#ask(async () => {
        const { "job-execution-result": ended } = await this.#client.executionResult(this.#jobId);
        const progress = ended === undefined ? await progressOf(this.#client, this.#jobId) : undefined;
        if (progress !== undefined) await this.#show(progress);
        return ended;
      });
      if (result !== undefined) {
        this.clear();
        return result;
      }
      await this.#clock.pause(POLL_MS);
    }
  }

  /** Removes the progress line from a terminal. */
  clear(): void {
    if (this.#output.isTTY === true) this.#output.write("\r\x1b[2K");
  }

  /** Undefined when there is nobody to ask for now. */
  async #ask<T>(action: () => Promise<T>): Promise<T | undefined> {
    const nowMs = this.#clock.monoMs();
    try {
      const result = await action();
      if (this.#awayMs !== undefined) this.#say("The JobManager answers again.");
      this.#awayMs = undefined;
      return result;
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== "MR_REST_UNREACHABLE") throw error;
      if (this.#awayMs === undefined) {
        this.#awayMs = nowMs;
        // Nobody knows what has come out meanwhile.
        this.#stalls.sample(false, 0, nowMs);
        this.#say(
          `The JobManager at ${this.#client.address} does not answer. Waiting for it; the job goes on with it.`,
        );
      }
      if (nowMs - this.#awayMs > AWAY_MS_MAX) throw error;
      return undefined;
    }
  }

  async #show(body: JobProgressBody): Promise<void> {
    await this.#sayWhyWaiting(body);
    await this.#sayRestart(body);
    await this.#sayStall(body);
    if (this.#output.isTTY !== true) return;
    const nowMs = this.#clock.monoMs();
    const recordsPerSecond =
      ((body.recordsRead - this.#before.records) * 1000) / Math.max(1, nowMs - this.#before.atMs);
    this.#before = { records: body.recordsRead, atMs: nowMs };
    const progress = jobProgress(body);
    const sample = { progress, recordsPerSecond: Math.max(0, recordsPerSecond), wallMs: this.#clock.wallMs() };
    this.clear();
    this.#output.write(progressLine(sample, (this.#output.columns ?? 0) > 0 ? this.#output.columns! : 100));
  }

  async #sayWhyWaiting({ status, tasks }: JobProgressBody): Promise<void> {
    // Without tasks, INITIALIZING is before the slots are there.
    const isWaiting = tasks.length === 0 && WAITING.has(status);
    const nowMs = this.#clock.monoMs();
    if (!isWaiting) this.#waitsMs = undefined;
    else this.#waitsMs ??= nowMs;
    if (this.#waitsMs === undefined || nowMs - this.#waitsMs < SLOTS_AFTER_MS) return;
    // Once for each time that the job waits.
    this.#waitsMs = Number.POSITIVE_INFINITY;
    const [overview, job] = await Promise.all([this.#client.overview(), this.#client.job(this.#jobId)]);
    const needed = Math.max(0, ...job.vertices.map(({ parallelism }) => parallelism));
    const { taskmanagers, "slots-total": total, "slots-available": free } = overview;
    if (free >= needed) return;
    this.#say(
      `The job waits for slots: it needs ${needed} or more, and ${free} of the cluster's ${total} are free, in ${taskmanagers} ${taskmanagers === 1 ? "TaskManager" : "TaskManagers"}.\nStart more with millrace taskmanager --slots ${needed - free}, or lower its parallelism with -p.`,
    );
  }

  async #sayRestart({ restarts }: JobProgressBody): Promise<void> {
    if (restarts <= this.#restarts) return;
    this.#restarts = restarts;
    const [last] = (await this.#client.exceptions(this.#jobId)).exceptionHistory.entries;
    if (last === undefined) return;
    const place =
      last.taskName === undefined
        ? ""
        : ` in ${last.taskName}${last.endpoint === undefined ? "" : ` on ${last.endpoint}`}`;
    this.#say(`Restart ${restarts} after a failure${place}: ${last.stacktrace.split("\n", 1)[0]!.slice(0, 400)}`);
  }

  async #sayStall({ status, recordsWritten }: JobProgressBody): Promise<void> {
    const silentMs = this.#stalls.sample(status === "RUNNING", recordsWritten, this.#clock.monoMs());
    if (silentMs === undefined) return;
    const { shortText } = await this.#client.stall(this.#jobId);
    this.#say(silentLines(silentMs, shortText));
  }

  #say(text: string): void {
    this.clear();
    this.#output.write(`${text}\n`);
  }
}

function jobProgress(body: JobProgressBody): JobProgress {
  const { watermarkMs, checkpoints } = body;
  const { completed, failed, lastId, lastPath, lastCompletedMs } = checkpoints;
  return { ...body, watermarkMs, checkpoints: { completed, failed, lastId, lastPath, lastCompletedMs } };
}

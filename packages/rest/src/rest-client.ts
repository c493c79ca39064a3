/** Everything that the command line asks of a JobManager, over its REST API. */

import type { Configuration } from "millrace";
import {
  type Clock,
  createNodePlatform,
  fromErrorMessage,
  type Random,
  REST_ADDRESS,
  REST_CONNECTION_TIMEOUT,
  REST_PORT,
  sha256Hex,
  toHex,
} from "millrace/internal";
import type { CheckpointConfigBody, CheckpointsBody } from "./checkpoint-bodies.ts";
import { jarIdOf } from "./jar-id.ts";
import type {
  AsyncOperationBody,
  CheckpointBody,
  CheckpointTriggerBody,
  ClusterOverviewBody,
  ConfigurationBody,
  DisposalBody,
  ExecutionResultBody,
  HexId,
  JarRunBody,
  JarRunRequestBody,
  JobAccumulatorsBody,
  JobConfigBody,
  JobDetailsBody,
  JobExceptionsBody,
  JobOverviewBody,
  JobPlanBody,
  JobProgressBody,
  JobsOverviewBody,
  MetricsBody,
  SavepointBody,
  SavepointTriggerBody,
  StallBody,
  StopBody,
  TaskManagerBody,
  TaskManagerDetailsBody,
  TaskManagersBody,
  TriggerBody,
} from "./rest-bodies.ts";
import { RestConnection } from "./rest-connection.ts";

/** Where the JobManager is, and how long it is waited for. @internal */
export interface RestClientOptions {
  /** `rest.address`. */
  readonly host: string;
  /** `rest.port`. */
  readonly port: number;
  /** How long calls are repeated while no JobManager answers, or it is still starting, in milliseconds. 0: once only. */
  readonly retryTimeoutMs?: number;
  /** How long one request may take, in milliseconds. Default: that of `rest.connection-timeout`. */
  readonly requestTimeoutMs?: number;
  /** What a test puts in the world's place. */
  readonly clock?: Clock;
  readonly random?: Pick<Random, "bytes">;
  readonly fetch?: typeof fetch;
}

/** A job file that is to be run. @internal */
export interface RestSubmission extends Omit<JarRunRequestBody, "entryClass" | "restoreMode"> {
  /** Of the file: letters, digits, `.`, `-`, `_`, and `.mjs` at its end. */
  readonly fileName: string;
  readonly code: Uint8Array;
}

/** How something is waited for. @internal */
export interface WaitOptions {
  /** Stops waiting; what is waited for goes on. */
  readonly signal?: AbortSignal;
  /** How often is asked, in milliseconds. */
  readonly intervalMs?: number;
}

const RETRY_TIMEOUT_MS = 10_000;
const POLL_MS = 200;

/**
 * A typed client of the REST API.
 *
 * Every call may be repeated, and is, while the JobManager cannot be reached or is starting: what begins something carries
 * an id that is chosen here. Failures of the JobManager are thrown as they were there, with their code.
 *
 * @example
 * const client = new RestClient({ host: "localhost", port: 8081 });
 * const { jobId } = await client.submit({ fileName: "flights.mjs", code, programArgsList: ["--hours", "2"] });
 * const { "job-execution-result": result } = await client.awaitEnd(jobId);
 * @internal
 */
export class RestClient {
  readonly #connection: RestConnection;
  readonly #random: Pick<Random, "bytes">;

  /** Where a configuration says that the JobManager is: `rest.address`, `rest.port`, `rest.connection-timeout`. */
  static of(configuration: Configuration, options: Partial<RestClientOptions> = {}): RestClient {
    return new RestClient({
      host: configuration.get(REST_ADDRESS),
      port: configuration.get(REST_PORT),
      requestTimeoutMs: configuration.get(REST_CONNECTION_TIMEOUT),
      ...options,
    });
  }

  constructor(options: RestClientOptions) {
    const platform = createNodePlatform();
    this.#random = options.random ?? platform.random;
    this.#connection = new RestConnection({
      host: options.host,
      port: options.port,
      retryTimeoutMs: options.retryTimeoutMs ?? RETRY_TIMEOUT_MS,
      requestTimeoutMs: options.requestTimeoutMs ?? REST_CONNECTION_TIMEOUT.default,
      clock: options.clock ?? platform.clock,
      fetch: options.fetch ?? fetch,
    });
  }

  /** `host:port`. */
  get address(): string {
    return this.#connection.address;
  }

  overview(): Promise<ClusterOverviewBody> {
    return this.#get("/overview");
  }

  jobManagerConfig(): Promise<ConfigurationBody> {
    return this.#get("/jobmanager/config");
  }

  /** Jobs that run and jobs that have ended, the newest first. */
  async jobs(): Promise<readonly JobOverviewBody[]> {
    return (await this.#get<JobsOverviewBody>("/jobs/overview")).jobs;
  }

  job(jobId: HexId): Promise<JobDetailsBody> {
    return this.#get(jobPath(jobId));
  }

  plan(jobId: HexId): Promise<JobPlanBody> {
    return this.#get(`${jobPath(jobId)}/plan`);
  }

  jobConfig(jobId: HexId): Promise<JobConfigBody> {
    return this.#get(`${jobPath(jobId)}/config`);
  }

  exceptions(jobId: HexId): Promise<JobExceptionsBody> {
    return this.#get(`${jobPath(jobId)}/exceptions`);
  }

  checkpoints(jobId: HexId): Promise<CheckpointsBody> {
    return this.#get(`${jobPath(jobId)}/checkpoints`);
  }

  checkpointConfig(jobId: HexId): Promise<CheckpointConfigBody> {
    return this.#get(`${jobPath(jobId)}/checkpoints/config`);
  }

  accumulators(jobId: HexId): Promise<JobAccumulatorsBody> {
    return this.#get(`${jobPath(jobId)}/accumulators`);
  }

  /** The names of the job's metrics; with `ids` their values. */
  metrics(jobId: HexId, ids?: readonly string[]): Promise<MetricsBody> {
    const query = ids === undefined ? "" : `?get=${ids.map(encodeURIComponent).join(",")}`;
    return this.#get(`${jobPath(jobId)}/metrics${query}`);
  }

  /** How far the job's current attempt is. */
  progress(jobId: HexId): Promise<JobProgressBody> {
    return this.#get(`${jobPath(jobId)}/progress`);
  }

  /** Why nothing comes out of the job right now. */
  stall(jobId: HexId): Promise<StallBody> {
    return this.#get(`${jobPath(jobId)}/stall`);
  }

  executionResult(jobId: HexId): Promise<ExecutionResultBody> {
    return this.#get(`${jobPath(jobId)}/execution-result`);
  }

  async taskManagers(): Promise<readonly TaskManagerBody[]> {
    return (await this.#get<TaskManagersBody>("/taskmanagers")).taskmanagers;
  }

  taskManager(id: string): Promise<TaskManagerDetailsBody> {
    return this.#get(`/taskmanagers/${encodeURIComponent(id)}`);
  }

  /**
   * Brings the job's file to the JobManager unless it is there, and runs it.
   *
   * @returns The job's id; `isUploaded` says whether the file had to be sent.
   * @throws MillraceError `MR_CONFIG_INVALID`, `MR_JAR_INVALID`, `MR_REST_CONTENT_TOO_LARGE` and what every call throws
   */
  async submit(submission: RestSubmission): Promise<{ readonly jobId: HexId; readonly isUploaded: boolean }> {
    const { fileName, code, jobId = this.newId(), ...rest } = submission;
    const id = jarIdOf(sha256Hex(code), fileName);
    const isUploaded = !(await this.#connection.exists(`/jars/${encodeURIComponent(id)}`));
    if (isUploaded) await this.#upload(fileName, code);
    const { jobid } = await this.#post<JarRunBody>(`/jars/${encodeURIComponent(id)}/run`, { ...rest, jobId });
    return { jobId: jobid, isUploaded };
  }

  /** Begins to cancel the job; one that has been cancelled already is left as it is. */
  async cancel(jobId: HexId): Promise<void> {
    await this.#connection.json({ method: "PATCH", path: `${jobPath(jobId)}?mode=cancel` });
  }

  /** Begins to end the job with a savepoint; what it returns is for {@link RestClient.awaitSavepoint}. */
  stop(jobId: HexId, body: StopBody = {}): Promise<HexId> {
    return this.#trigger(`${jobPath(jobId)}/stop`, { ...body, triggerId: body.triggerId ?? this.newId() });
  }

  /** Begins a savepoint; what it returns is for {@link RestClient.awaitSavepoint}. */
  savepoint(jobId: HexId, body: SavepointTriggerBody = {}): Promise<HexId> {
    return this.#trigger(`${jobPath(jobId)}/savepoints`, { ...body, triggerId: body.triggerId ?? this.newId() });
  }

  /** Begins a checkpoint; what it returns is for {@link RestClient.awaitCheckpoint}. */
  checkpoint(jobId: HexId, body: CheckpointTriggerBody = {}): Promise<HexId> {
    return this.#trigger(`${jobPath(jobId)}/checkpoints`, { ...body, triggerId: body.triggerId ?? this.newId() });
  }

  savepointStatus(jobId: HexId, triggerId: HexId): Promise<AsyncOperationBody<SavepointBody>> {
    return this.#get(`${jobPath(jobId)}/savepoints/${encodeURIComponent(triggerId)}`);
  }

  checkpointStatus(jobId: HexId, triggerId: HexId): Promise<AsyncOperationBody<CheckpointBody>> {
    return this.#get(`${jobPath(jobId)}/checkpoints/${encodeURIComponent(triggerId)}`);
  }

  /** Waits for a savepoint or a stop with one; its directory. @throws the savepoint's own failure */
  async awaitSavepoint(jobId: HexId, triggerId: HexId, options?: WaitOptions): Promise<string> {
    const operation = await this.#awaitOperation(() => this.savepointStatus(jobId, triggerId), options);
    return operation.location!;
  }

  /** Waits for a checkpoint; its id. @throws the checkpoint's own failure */
  async awaitCheckpoint(jobId: HexId, triggerId: HexId, options?: WaitOptions): Promise<number> {
    const operation = await this.#awaitOperation(() => this.checkpointStatus(jobId, triggerId), options);
    return operation.checkpointId!;
  }

  /** Removes a savepoint or a retained checkpoint by its directory or `_metadata` file. */
  async disposeSavepoint(path: string, options?: WaitOptions): Promise<void> {
    const { "request-id": id } = await this.#post<TriggerBody>("/savepoint-disposal", { "savepoint-path": path });
    await this.#awaitOperation<DisposalBody>(() => this.#get(`/savepoint-disposal/${id}`), options);
  }

  /** Waits until the job has ended, however it does; says nothing of its own about a failure. */
  async awaitEnd(jobId: HexId, options: WaitOptions = {}): Promise<ExecutionResultBody> {
    for (;;) {
      const result = await this.executionResult(jobId);
      if (result.status.id === "COMPLETED") return result;
      await this.#pause(options);
    }
  }

  /** Ends the JobManager; its jobs are taken over by the next one with its directory. */
  async shutDown(): Promise<void> {
    await this.#connection.json({ method: "DELETE", path: "/cluster" });
  }

  /** An id for a job or a request, for a call that is to be repeated after the client itself has ended. */
  newId(): HexId {
    return toHex(this.#random.bytes(16));
  }

  async #awaitOperation<Operation extends DisposalBody>(
    ask: () => Promise<AsyncOperationBody<Operation>>,
    options: WaitOptions = {},
  ): Promise<Operation> {
    for (;;) {
      const { status, operation } = await ask();
      if (status.id === "COMPLETED") {
        const failure = operation?.["failure-cause"];
        if (failure !== undefined) throw fromErrorMessage(failure.error);
        return operation ?? ({} as Operation);
      }
      await this.#pause(options);
    }
  }

  #pause({ signal, intervalMs = POLL_MS }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.#connection.clock.after(intervalMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  async #upload(fileName: string, code: Uint8Array): Promise<void> {
    const form = new FormData();
    // The copy has a buffer of its own, which a Blob needs.
    form.append("jarfile", new Blob([new Uint8Array(code)], { type: "text/javascript" }), fileName);
    await this.#connection.json({ method: "POST", path: "/jars/upload", body: form });
  }

  async #trigger(path: string, body: Readonly<Record<string, unknown>>): Promise<HexId> {
    return (await this.#post<TriggerBody>(path, body))["request-id"];
  }

  #get<Body>(path: string): Promise<Body> {
    return this.#connection.json({ method: "GET", path });
  }

  #post<Body>(path: string, body: Readonly<Record<string, unknown>>): Promise<Body> {
    return this.#connection.json({ method: "POST", path, body });
  }
}

function jobPath(jobId: HexId): string {
  return `/jobs/${encodeURIComponent(jobId)}`;
}

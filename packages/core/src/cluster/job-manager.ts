/**
 * The JobManager: the process that leads a cluster. It keeps the jobs of its clients, gives them slots of TaskManagers, and
 * runs a JobMaster for each.
 *
 * - L1. A submission is answered when it is durable; the same id is the same job, whoever asks and however often.
 * - L2. Jobs that have not ended when the process ends are taken over by the next one with the same directory, from the
 *   newest checkpoint that they may have committed.
 * - L3. A JobManager that does not lead any more (another one has begun) stops, and changes nothing that is durable. It looks
 *   whether it leads every `heartbeat.timeout`: TaskManagers that find it alive would not look for another.
 * - L4. A TaskManager is registered once: one that has started again is not there beside what it was before.
 */

import type { JobProgress } from "../api/job-client.ts";
import { toErrorMessage } from "../base/error-message.ts";
import { MillraceError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { disposeSavepoint } from "../checkpoint/dispose-savepoint.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { removeOwned } from "../checkpoint/owned-snapshots.ts";
import { JOBSTORE_MAX_CAPACITY, SLOT_REQUEST_TIMEOUT } from "../config/cluster-options.ts";
import type { Configuration } from "../config/configuration.ts";
import type { ConfigEntry } from "../config/option-registry.ts";
import { REST_ASYNC_STORE_DURATION } from "../config/rest-options.ts";
import { executionSettingsOf } from "../deployment/execution-settings.ts";
import type { JobRunner } from "../deployment/job-runner.ts";
import { describeJobGraph } from "../graph/describe.ts";
import type { StallExplanation } from "../graph/stall/stall-explanation.ts";
import { JobStore, type StoredEnd, type StoredJob, type StoredJobState } from "../jobmanager/dispatcher/job-store.ts";
import { isEnded, type JobEntry, JobTable } from "../jobmanager/dispatcher/job-table.ts";
import type { JobEnding } from "../jobmanager/jobmaster/job-master.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";
import type { AccumulatorResults } from "../operators/accumulators/accumulator-results.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import type { NetworkAddress } from "../platform/transport.ts";
import { RpcEndpoint } from "../rpc/rpc-endpoint.ts";
import { RpcHandlers } from "../rpc/rpc-handlers.ts";
import type { RpcSession } from "../rpc/rpc-session.ts";
import { rpcSettings } from "../rpc/rpc-settings.ts";
import { AsyncOperations } from "./async-operations.ts";
import {
  jobIdInvalid,
  jobManagerStopped,
  jobNotRunning,
  jobUnknown,
  operationUnknown,
  taskManagerLost,
} from "./cluster-errors.ts";
import { ClusterJob } from "./cluster-job.ts";
import {
  CODE_CHUNK_BYTES,
  fetchCode,
  jobWarning,
  registerTaskManager,
  type TaskManagerRegistration,
  tasksEvent,
  tasksStatistics,
} from "./cluster-messages.ts";
import { ClusterResources } from "./cluster-resources.ts";
import { CodeCache, checkCode } from "./code-cache.ts";
import { clusterOverview, jobOverview, taskManagerDetails } from "./job-answers.ts";
import type { JobCodeLoader } from "./job-code.ts";
import type {
  AsyncOperation,
  AsyncResult,
  CheckpointsDetails,
  ClusterOverview,
  ExceptionHistory,
  JobConfigDetails,
  JobDetails,
  JobManagerApi,
  JobOverview,
  JobSubmission,
  SavepointTriggerOptions,
  StopRequestOptions,
  TaskManagerDetails,
  TriggerOptions,
} from "./job-manager-api.ts";
import { givenTo, type JobPreview, previewJob, submittedConfiguration } from "./job-preview.ts";

/** Between two attempts to store the end of a job. */
const END_RETRY_MS_FIRST = 50;
const END_RETRY_MS_MAX = 5000;

export interface JobManagerOptions {
  readonly platform: Platform;
  /** What jobs start from, and the process itself. */
  readonly configuration: Configuration;
  /** Where the JobManager listens for TaskManagers. */
  readonly address: NetworkAddress;
  readonly allowNonLoopback?: boolean;
  /** Where its jobs are kept: `high-availability.storageDir`. */
  readonly directory: string;
  readonly loader: JobCodeLoader;
  /** Where the code of jobs is kept to be run; see `CodeCache`. */
  readonly codeDirectory: string;
  readonly onWarning: (text: string) => void;
  /** What happens in the cluster, a line each. */
  readonly onInfo?: (text: string) => void;
  /** Another JobManager leads: this one has stopped (L3). */
  readonly onFenced: (error: MillraceError) => void;
}

interface KnownJob {
  readonly stored: StoredJob;
  /** Undefined when it had ended before this process began. */
  readonly running: ClusterJob | undefined;
  accumulators: AccumulatorResults | undefined;
  /** Undefined until it is stored. */
  end: StoredEnd | undefined;
}

/** Savepoints are no job's. */
const DISPOSALS = "disposals";

export class JobManager implements JobManagerApi {
  readonly #options: JobManagerOptions;
  readonly #store: JobStore;
  /** Of snapshots of jobs that are not running. */
  readonly #files: FileSystems;
  readonly #table: JobTable;
  readonly #resources: ClusterResources;
  readonly #operations: AsyncOperations;
  readonly #code: CodeCache;
  readonly #jobs = new Map<string, KnownJob>();
  /** Submissions that are being made durable. */
  readonly #submitting = new Map<string, Promise<void>>();
  readonly #sessions = new Map<string, RpcSession>();
  readonly #endpoint: RpcEndpoint;
  #deploymentCount = 0;
  #isClosed = false;
  #cancelLook: Cancel = () => {};
  #address: NetworkAddress;

  /** Begins to lead: takes the directory's jobs over, and listens. */
  static async start(options: JobManagerOptions): Promise<JobManager> {
    const store = await JobStore.open(options.platform.fs, options.directory);
    const jobManager = new JobManager(options, store);
    const states = await store.load();
    await jobManager.#listen();
    for (const state of states) jobManager.#takeOver(state);
    jobManager.#lookWhoLeads();
    return jobManager;
  }

  private constructor(options: JobManagerOptions, store: JobStore) {
    const { platform, configuration, codeDirectory } = options;
    this.#options = options;
    this.#store = store;
    this.#address = options.address;
    this.#files = FileSystems.of(platform, configuration);
    this.#table = new JobTable(configuration.get(JOBSTORE_MAX_CAPACITY));
    this.#operations = new AsyncOperations({ ...platform, keptMs: configuration.get(REST_ASYNC_STORE_DURATION) });
    this.#code = new CodeCache(platform, codeDirectory);
    this.#resources = new ClusterResources({
      clock: platform.clock,
      random: platform.random,
      requestTimeoutMs: configuration.get(SLOT_REQUEST_TIMEOUT),
      placement: "spread",
    });
    this.#endpoint = new RpcEndpoint({
      platform,
      name: "jobmanager",
      handlers: this.#handlers(),
      settings: rpcSettings(configuration),
      leaderEpoch: store.epoch,
      onWarning: (warning) => options.onWarning(warning.message),
    });
    // A TaskManager may have heard of the newer one first.
    this.#endpoint.fence.onNewer(() => void this.#checkLeads());
  }

  /** Where it listens, with the port that was chosen. */
  get address(): NetworkAddress {
    return this.#address;
  }

  get epoch(): number {
    return this.#store.epoch;
  }

  /** Stops to lead: jobs stop where they are, and the next JobManager with the directory takes them over (L2). */
  async close(reason?: MillraceError): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelLook();
    const abandoned = [...this.#jobs.values()].map(({ running }) => running?.abandon(reason ?? jobManagerStopped()));
    this.#resources.close();
    await this.#endpoint.close(reason);
    await Promise.allSettled(abandoned);
  }

  async submitJob(submission: JobSubmission): Promise<{ readonly jobId: string; readonly isNew: boolean }> {
    const { platform } = this.#options;
    const { name, code, args, configuration } = submission;
    const jobId = submission.jobId ?? toHex(platform.random.bytes(16));
    if (!/^[0-9a-f]{32}$/.test(jobId)) throw jobIdInvalid(jobId);
    checkCode(code.bytes, code.hash);
    submittedConfiguration(configuration);
    const submittedMs = platform.clock.wallMs();
    if (!this.#table.submit(jobId, name, submittedMs)) {
      await this.#submitting.get(jobId);
      return { jobId, isNew: false };
    }
    const stored: StoredJob = { jobId, name, codeHash: code.hash, args, configuration, submittedMs };
    const submitting = this.#store.addJob(stored, code.bytes);
    this.#submitting.set(jobId, submitting);
    try {
      await submitting;
    } catch (error) {
      this.#table.withdraw(jobId);
      this.#onStoreFailure(error);
      throw error;
    } finally {
      this.#submitting.delete(jobId);
    }
    this.#start(stored, undefined);
    return { jobId, isNew: true };
  }

  async planJob({ name, code, args, configuration }: Omit<JobSubmission, "jobId">): Promise<JobPreview> {
    checkCode(code.bytes, code.hash);
    const given = givenTo(this.#options.configuration, configuration);
    return previewJob(
      this.#options.loader(await this.#code.provide(code.hash, async () => code.bytes), args),
      name,
      given,
    );
  }

  listJobs(): readonly JobOverview[] {
    return this.#table.jobs.map((entry) => this.#overviewOf(entry));
  }

  async job(jobId: string): Promise<JobDetails> {
    const entry = this.#entry(jobId);
    const running = this.#jobs.get(jobId)?.running;
    const runner = running?.loaded;
    return {
      ...this.#overviewOf(entry),
      timestampsMs: entry.timestampsMs,
      restarts: runner?.progress().restarts ?? 0,
      plan: runner === undefined ? undefined : describeJobGraph(runner.graph),
      vertices: running?.vertices ?? [],
      failure: entry.failure,
    };
  }

  async cancelJob(jobId: string): Promise<void> {
    this.#entry(jobId);
    const known = this.#jobs.get(jobId);
    await known?.running?.cancel();
  }

  async stopWithSavepoint(jobId: string, options: StopRequestOptions = {}): Promise<string> {
    const { drain = false, directory, format = "CANONICAL" } = options;
    return this.#begin(jobId, options, async (runner) => ({
      location: await runner.stopWithSavepoint(drain, directory, format),
    }));
  }

  async triggerSavepoint(jobId: string, options: SavepointTriggerOptions = {}): Promise<string> {
    const { directory, format = "CANONICAL", cancelsJob = false } = options;
    return this.#begin(jobId, options, async (runner) => ({
      location: await (cancelsJob
        ? runner.cancelWithSavepoint(directory, format)
        : runner.triggerSavepoint(directory, format)),
    }));
  }

  async triggerCheckpoint(jobId: string, options: TriggerOptions = {}): Promise<string> {
    return this.#begin(jobId, options, async (runner) => {
      const { checkpointId, path } = await runner.triggerCheckpoint();
      return { checkpointId, location: path };
    });
  }

  operation(jobId: string, requestId: string): AsyncOperation {
    const operation = this.#operations.get(jobId, requestId);
    if (operation === undefined) throw operationUnknown(jobId, requestId);
    return operation;
  }

  disposeSavepoint(path: string, { requestId }: TriggerOptions = {}): string {
    const dispose = async (): Promise<AsyncResult> => {
      await disposeSavepoint(this.#files, path);
      return { location: undefined };
    };
    return this.#operations.begin(DISPOSALS, dispose, requestId);
  }

  disposal(requestId: string): AsyncOperation {
    const operation = this.#operations.get(DISPOSALS, requestId);
    if (operation === undefined) throw operationUnknown(undefined, requestId);
    return operation;
  }

  async progress(jobId: string): Promise<JobProgress> {
    const { status } = this.#entry(jobId);
    const runner = this.#jobs.get(jobId)?.running?.loaded;
    if (runner === undefined) throw jobNotRunning(jobId, status);
    return runner.progress();
  }

  async explainStall(jobId: string): Promise<StallExplanation> {
    return this.#runner(jobId).explainStall();
  }

  async checkpoints(jobId: string): Promise<CheckpointsDetails> {
    this.#entry(jobId);
    const none = { counts: { completed: 0, failed: 0 }, latest: undefined, restored: undefined, report: undefined };
    return this.#jobs.get(jobId)?.running?.checkpoints ?? none;
  }

  async exceptions(jobId: string): Promise<ExceptionHistory> {
    const entry = this.#entry(jobId);
    const running = this.#jobs.get(jobId)?.running;
    if (running !== undefined && running.exceptions.entries.length > 0) return running.exceptions;
    const { failure, lastModifiedMs } = entry;
    const entries = failure === undefined ? [] : [{ timestampMs: lastModifiedMs, error: failure, task: undefined }];
    return { entries, isTruncated: false };
  }

  async config(jobId: string): Promise<JobConfigDetails> {
    this.#entry(jobId);
    // Jobs are in the table only with what was stored of them.
    const { stored, running } = this.#jobs.get(jobId)!;
    const { name, args, configuration } = stored;
    const runner = running?.loaded;
    const execution = runner === undefined ? undefined : executionSettingsOf(runner.configuration);
    return { jobId, name, args, configuration, execution };
  }

  async metrics(jobId: string): Promise<readonly MetricSnapshot[]> {
    return this.#runner(jobId).metricSnapshots();
  }

  async accumulators(jobId: string): Promise<ReadonlyMap<string, unknown>> {
    const entry = this.#entry(jobId);
    const known = this.#jobs.get(jobId);
    if (known?.accumulators !== undefined) return known.accumulators.all();
    if (isEnded(entry.status)) return new Map();
    return (await this.#runner(jobId).accumulators()).all();
  }

  taskManagers(): readonly TaskManagerDetails[] {
    return taskManagerDetails(this.#resources, this.#options.platform.clock);
  }

  overview(): ClusterOverview {
    return { ...clusterOverview(this.#table.jobs, this.#resources), epoch: this.epoch };
  }

  configuration(): readonly ConfigEntry[] {
    return this.#options.configuration.toDisplayedEntries();
  }

  #handlers(): RpcHandlers {
    return new RpcHandlers()
      .on(registerTaskManager, (registration, { instanceId }) => {
        const session = this.#sessions.get(instanceId);
        // Its session has ended while this was on its way.
        if (session === undefined) throw taskManagerLost(registration.name, registration.host, undefined);
        this.#giveUpPredecessor(registration);
        const { name, host, slotCount } = registration;
        const { id } = this.#resources.register(registration, session);
        this.#options.onInfo?.(`TaskManager ${name} on ${host} registered, slots: ${slotCount}`);
        return { taskManagerId: id };
      })
      .on(fetchCode, async ({ hash, offset }) => {
        const code = await this.#store.code(hash);
        return { bytes: code.subarray(offset, offset + CODE_CHUNK_BYTES), total: code.length };
      })
      .onTell(tasksEvent, ({ deploymentId, event }, { instanceId }) =>
        this.#deployment(instanceId, deploymentId)?.onEvent(event),
      )
      .onTell(tasksStatistics, ({ deploymentId, statistics }, { instanceId }) =>
        this.#deployment(instanceId, deploymentId)?.onStatistics(statistics),
      )
      .onTell(jobWarning, ({ jobId, text }) => this.#options.onWarning(`job ${jobId}: ${text}`));
  }

  /** L4: a process that had this one's port is gone, even if nobody has heard of it yet: its slots are no slots. */
  #giveUpPredecessor({ name, host, dataAddress }: TaskManagerRegistration): void {
    if (dataAddress === null) return;
    for (const each of this.#resources.taskManagers) {
      if (each.registration.dataAddress === dataAddress) each.giveUp(taskManagerLost(name, host, undefined));
    }
  }

  #deployment(
    instanceId: string,
    deploymentId: string,
  ): ReturnType<ReturnType<ClusterResources["register"]>["deployment"]> {
    const session = this.#sessions.get(instanceId);
    return session === undefined ? undefined : this.#resources.ofSession(session)?.deployment(deploymentId);
  }

  async #listen(): Promise<void> {
    const listener = await this.#endpoint.listen(this.#options.address, {
      allowNonLoopback: this.#options.allowNonLoopback === true,
      onSession: (session) => this.#onSession(session),
      onSessionEnd: (session, reason) => this.#onSessionEnd(session, reason),
    });
    this.#address = listener.address;
  }

  #onSession(session: RpcSession): void {
    // An open session knows its peer. One that dials again has given its older session up.
    const { instanceId } = session.peer!;
    this.#sessions.get(instanceId)?.end();
    this.#sessions.set(instanceId, session);
  }

  #onSessionEnd(session: RpcSession, reason: MillraceError | undefined): void {
    const instanceId = session.peer?.instanceId;
    if (instanceId !== undefined && this.#sessions.get(instanceId) === session) this.#sessions.delete(instanceId);
    // A process that ends loses its TaskManagers, too, but its jobs are not to fail for it.
    if (this.#isClosed) return;
    const taskManager = this.#resources.ofSession(session);
    if (taskManager === undefined) return;
    this.#resources.lose(taskManager, reason);
    const { name, host } = taskManager.registration;
    this.#options.onInfo?.(`TaskManager ${name} on ${host} lost: ${reason?.message ?? "it has closed its connection"}`);
    // It may have gone to a newer leader.
    void this.#checkLeads();
  }

  // L2.
  #takeOver({ job, checkpoint, end }: StoredJobState): void {
    this.#table.submit(job.jobId, job.name, job.submittedMs);
    if (end === undefined) {
      this.#start(job, { checkpoint });
      return;
    }
    const known = { stored: job, running: undefined, accumulators: undefined, end };
    this.#jobs.set(job.jobId, known);
    this.#table.end(job.jobId, end);
    if (end.removes.length > 0) void this.#clear(job.jobId, end);
  }

  #start(stored: StoredJob, recovery: { readonly checkpoint: StoredJobState["checkpoint"] } | undefined): void {
    const { platform, configuration, loader, onWarning } = this.#options;
    const { jobId, codeHash, args } = stored;
    const running = new ClusterJob({
      stored,
      recovery,
      clusterConfiguration: configuration,
      platform,
      resources: this.#resources,
      nextDeploymentId: () => `${this.epoch}-${this.#deploymentCount++}`,
      checkLeads: () => this.#orStop(() => this.#store.checkLeads()),
      load: async () => loader(await this.#code.provide(codeHash, () => this.#store.code(codeHash)), args),
      onStatus: (status) => this.#table.setStatus(jobId, status, platform.clock.wallMs()),
      onRestartPoint: ({ checkpointId, path }) =>
        this.#orStop(() => this.#store.setCheckpoint(jobId, { checkpointId, path: path ?? null })),
      onEnded: (ending) => this.#storeEnd(known, ending),
      onWarning: (text) => onWarning(`job ${jobId}: ${text}`),
    });
    this.#options.onInfo?.(`job ${jobId} (${stored.name}) ${recovery === undefined ? "submitted" : "taken over"}`);
    const known: KnownJob = { stored, running, accumulators: undefined, end: undefined };
    this.#jobs.set(jobId, known);
    running.result.then(
      ({ status, cause, accumulators }) => {
        known.accumulators = accumulators;
        void this.#onEnd(known, status, cause);
      },
      (error: unknown) => void this.#onEnd(known, running.isCancelled ? "CANCELED" : "FAILED", error),
    );
  }

  /** What the JobMaster awaits before it removes anything (M7). */
  async #storeEnd(known: KnownJob, ending: JobEnding): Promise<void> {
    const end = this.#endOf(ending);
    await this.#orStop(() => this.#store.setEnd(known.stored.jobId, end));
    known.end = end;
  }

  /** Tries until it is stored: a later JobManager would run a job again whose end its client has been told. */
  async #storeEndAtLast(known: KnownJob, ending: JobEnding): Promise<void> {
    const { clock } = this.#options.platform;
    for (let waitMs = END_RETRY_MS_FIRST; !this.#isClosed; waitMs = Math.min(2 * waitMs, END_RETRY_MS_MAX)) {
      try {
        await this.#storeEnd(known, ending);
        return;
      } catch (error) {
        // What it failed of has been said.
        if (!(error instanceof MillraceError)) throw error;
      }
      await new Promise<void>((resolve) => clock.after(waitMs, resolve));
    }
  }

  #endOf({ status, cause, removes }: JobEnding): StoredEnd {
    const failure = status === "FAILED" ? toErrorMessage(cause) : undefined;
    return { status, endMs: this.#options.platform.clock.wallMs(), failure, removes };
  }

  async #onEnd(known: KnownJob, status: JobEnding["status"], cause: unknown): Promise<void> {
    // What ends because the process does goes on in the next one.
    if (this.#isClosed) return;
    const { jobId } = known.stored;
    const ending = { status, cause, removes: [] };
    // One that could not even begin has told nobody.
    if (known.end === undefined) await this.#storeEndAtLast(known, ending);
    else if (known.end.removes.length > 0) await this.#clear(jobId, known.end);
    if (this.#isClosed) return;
    const end = known.end ?? this.#endOf(ending);
    this.#options.onInfo?.(`job ${jobId} ${status}${end.failure === undefined ? "" : `: ${end.failure.message}`}`);
    const forgotten = this.#table.end(jobId, end);
    for (const each of forgotten) {
      this.#jobs.delete(each);
      this.#operations.forget(each);
    }
    await this.#store.removeJobs(forgotten).catch((error: unknown) => this.#onStoreFailure(error));
  }

  /** Removes what is left of a job that has ended, and remembers that nothing is. */
  async #clear(jobId: string, end: StoredEnd): Promise<void> {
    try {
      await removeOwned(this.#files, jobId, end.removes);
      await this.#store.setEnd(jobId, { ...end, removes: [] });
    } catch (error) {
      if (error instanceof MillraceError) this.#onStoreFailure(error);
      else this.#options.onWarning(`job ${jobId}: what it leaves could not be removed: ${String(error)}`);
    }
  }

  #begin(jobId: string, { requestId }: TriggerOptions, action: (runner: JobRunner) => Promise<AsyncResult>): string {
    this.#entry(jobId);
    return this.#operations.begin(jobId, () => action(this.#runner(jobId)), requestId);
  }

  #runner(jobId: string): JobRunner {
    const entry = this.#entry(jobId);
    const running = this.#jobs.get(jobId)?.running;
    if (running === undefined || isEnded(entry.status)) throw jobNotRunning(jobId, entry.status);
    return running.runner;
  }

  #entry(jobId: string): JobEntry {
    const entry = this.#table.get(jobId);
    if (entry === undefined) throw jobUnknown(jobId);
    return entry;
  }

  #overviewOf(entry: JobEntry): JobOverview {
    return jobOverview(entry, this.#jobs.get(entry.jobId)?.running, this.#options.platform.clock);
  }

  #lookWhoLeads(): void {
    const { platform, configuration } = this.#options;
    this.#cancelLook = platform.clock.after(rpcSettings(configuration).heartbeatTimeoutMs, () => {
      void this.#checkLeads().then(() => {
        if (!this.#isClosed) this.#lookWhoLeads();
      });
    });
  }

  /** L3. */
  async #checkLeads(): Promise<void> {
    await this.#orStop(() => this.#store.checkLeads()).catch(() => {});
  }

  /** Does something with the store; when that is another JobManager's by now, this one stops. */
  async #orStop(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#onStoreFailure(error);
      throw error;
    }
  }

  #onStoreFailure(error: unknown): void {
    if (!(error instanceof MillraceError)) throw error;
    this.#options.onWarning(error.message);
    if (error.code !== "MR_FENCED" || this.#isClosed) return;
    void this.close(error).then(() => this.#options.onFenced(error));
  }
}

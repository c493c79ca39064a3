/**
 * A TaskManager: a process with slots. It registers with the JobManager, runs what is deployed to it, and ends all of it
 * when its session with the JobManager ends.
 *
 * - P1. What was deployed in a session does not outlive it: a TaskManager that was cut off or stood still stops its tasks
 *   before it registers again, and nothing that they still say reaches anybody.
 */
import { MillraceError } from "../base/errors.ts";
import { TASK_SLOTS } from "../config/cluster-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { WireEndpoint } from "../exchange/wire/wire-endpoint.ts";
import type { Platform } from "../platform/platform.ts";
import { formatAddress, type NetworkAddress } from "../platform/transport.ts";
import type { RpcClient } from "../rpc/rpc-client.ts";
import { RpcEndpoint } from "../rpc/rpc-endpoint.ts";
import { RpcHandlers } from "../rpc/rpc-handlers.ts";
import type { RpcSession } from "../rpc/rpc-session.ts";
import { rpcSettings } from "../rpc/rpc-settings.ts";
import { JobWire } from "../taskmanager/threads/job-wire.ts";
import { taskManagerLost } from "./cluster-errors.ts";
import {
  accumulateTasks,
  cancelTasks,
  commandTasks,
  type DeployTasks,
  deployTasks,
  describeTasks,
  eventOf,
  fetchCode,
  jobMetrics,
  jobWarning,
  registerTaskManager,
  releaseJob,
  sendingListener,
  type TasksEvent,
  tasksEvent,
  tasksStatistics,
} from "./cluster-messages.ts";
import { CodeCache } from "./code-cache.ts";
import type { JobCodeLoader } from "./job-code.ts";
import { JobCopies } from "./job-copies.ts";
import { TaskManagerJob } from "./task-manager-job.ts";

/** How often the figures of subtasks are sent. */
const STATISTICS_INTERVAL_MS = 1000;

export interface TaskManagerOptions {
  readonly platform: Platform;
  readonly configuration: Configuration;
  /** For people; unique in the cluster if they are to tell them apart. */
  readonly name: string;
  /** Asked before every attempt to connect. */
  readonly jobManagerAddress: () => NetworkAddress | Promise<NetworkAddress>;
  readonly loader: JobCodeLoader;
  /** Where the code of jobs is kept; see `CodeCache`. */
  readonly codeDirectory: string;
  /** Where records of other TaskManagers arrive; port 0 takes any free one. */
  readonly dataBind: NetworkAddress;
  /** The name or IP address under which the others reach this machine; undefined: the one that is bound. */
  readonly advertisedHost?: string;
  readonly allowNonLoopback?: boolean;
  readonly onWarning: (text: string) => void;
  /** What happens to it, a line each. */
  readonly onInfo?: (text: string) => void;
  /** Called at the end of `close`, which waits for it: ends what the platform keeps ready. */
  readonly onClosed?: () => Promise<void>;
}

export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #data: WireEndpoint;
  readonly #endpoint: RpcEndpoint;
  readonly #client: RpcClient;
  readonly #code: CodeCache;
  readonly #copies: JobCopies;
  readonly #jobs = new Map<string, Promise<TaskManagerJob>>();
  /** By deployment: its job. */
  readonly #deployments = new Map<string, TaskManagerJob>();
  /** The session in which the TaskManager is registered. */
  #session: RpcSession | undefined;
  /** Settles when nothing of earlier sessions is left. */
  #ended: Promise<void> = Promise.resolve();
  #cancelStatistics: () => void = () => {};

  /** Opens the data port and looks for the JobManager, until it is closed. */
  static async start(options: TaskManagerOptions): Promise<TaskManager> {
    const { platform, configuration, dataBind, advertisedHost, allowNonLoopback = false } = options;
    const { heartbeatIntervalMs, heartbeatTimeoutMs } = rpcSettings(configuration);
    const data = await WireEndpoint.listen({
      platform,
      bind: dataBind,
      ...(advertisedHost === undefined ? {} : { advertisedHost }),
      allowNonLoopback,
      heartbeatIntervalMs,
      heartbeatTimeoutMs,
    });
    const { onWarning } = options;
    const copies = new JobCopies({ platform, configuration, onWarning });
    await copies.open();
    return new TaskManager(options, data, copies);
  }

  private constructor(options: TaskManagerOptions, data: WireEndpoint, copies: JobCopies) {
    const { platform, configuration, name, jobManagerAddress, codeDirectory } = options;
    this.#options = options;
    this.#data = data;
    this.#copies = copies;
    this.#code = new CodeCache(platform, codeDirectory);
    this.#endpoint = new RpcEndpoint({
      platform,
      name,
      handlers: this.#handlers(),
      settings: rpcSettings(configuration),
      onWarning: (warning) => this.#warn(warning),
    });
    this.#client = this.#endpoint.connect(jobManagerAddress, {
      onSession: (session) => void this.#onSession(session),
      onDown: (reason) => this.#onDown(reason),
    });
    this.#sendStatistics();
  }

  /** Whether the JobManager knows the TaskManager. */
  get isRegistered(): boolean {
    return this.#session?.isOpen === true;
  }

  /** Ends all tasks and the session. */
  async close(): Promise<void> {
    this.#cancelStatistics();
    this.#client.close();
    this.#endAll();
    await this.#endpoint.close();
    await this.#ended;
    await this.#copies.close();
    await this.#data.close();
    await this.#options.onClosed?.();
  }

  #handlers(): RpcHandlers {
    return new RpcHandlers()
      .on(deployTasks, (request, { epoch }) => this.#deploy(request, epoch))
      .onTell(commandTasks, (request) => this.#deployments.get(request.deploymentId)?.command(request))
      .on(cancelTasks, ({ deploymentId }) => this.#cancel(deploymentId))
      .on(accumulateTasks, async ({ deploymentId, merged, answerWithinMs }) => ({
        all: await this.#of(deploymentId).mergeAccumulators(merged, answerWithinMs ?? undefined),
      }))
      .on(describeTasks, async ({ deploymentId }) => ({ tasks: await this.#of(deploymentId).describe() }))
      .on(jobMetrics, async ({ jobId }) => ({ metrics: (await (await this.#jobs.get(jobId))?.metrics()) ?? [] }))
      .on(releaseJob, ({ jobId }) => this.#release(jobId));
  }

  /** P1: registers when nothing of earlier sessions is left. */
  async #onSession(session: RpcSession): Promise<void> {
    await this.#ended;
    if (!session.isOpen) return;
    const { platform, configuration, name } = this.#options;
    // The JobManager may deploy before its answer has come.
    this.#session = session;
    try {
      const slotCount = configuration.get(TASK_SLOTS);
      await session.call(registerTaskManager, {
        name,
        slotCount,
        host: platform.proc.hostName,
        dataAddress: this.#data.address,
        processId: platform.proc.processId,
        availableParallelism: platform.proc.availableParallelism,
      });
      this.#options.onInfo?.(`registered at ${formatAddress(session.address)}, slots: ${slotCount}`);
    } catch (error) {
      this.#warn(error);
      session.end(error instanceof MillraceError ? error : undefined);
    }
  }

  #onDown(reason: MillraceError | undefined): void {
    if (this.#session === undefined && this.#jobs.size === 0) return;
    if (reason !== undefined) this.#warn(reason);
    this.#endAll();
  }

  // P1.
  #endAll(): void {
    this.#session = undefined;
    const jobs = [...this.#jobs.values()];
    this.#copies.leave([...this.#jobs.keys()]);
    this.#jobs.clear();
    this.#deployments.clear();
    const before = this.#ended;
    this.#ended = (async () => {
      await before;
      // One that could not be loaded has nothing to end.
      const loaded = await Promise.allSettled(jobs);
      const closed = await Promise.allSettled(
        loaded.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)),
      );
      for (const result of closed) if (result.status === "rejected") this.#warn(result.reason);
    })();
  }

  async #deploy(request: DeployTasks, epoch: number): Promise<{ statistics: Uint8Array }> {
    const session = this.#session;
    if (session === undefined) throw this.#lost();
    const { jobId, deploymentId } = request;
    let loading = this.#jobs.get(jobId);
    if (loading === undefined) {
      loading = this.#load(request, session, epoch);
      this.#jobs.set(jobId, loading);
      // The next deployment tries again.
      loading.catch(() => {
        if (this.#jobs.get(jobId) === loading) this.#jobs.delete(jobId);
      });
    }
    const job = await loading;
    this.#checkIs(session, job, jobId);
    const statistics = await job.deploy(
      request,
      sendingListener((event) => this.#say(session, deploymentId, event)),
    );
    if (this.#session !== session || this.#jobs.get(jobId) !== loading) {
      await job.close();
      throw this.#lost();
    }
    for (const [id, of] of this.#deployments)
      if (of === job && !job.deploymentIds.includes(id)) this.#deployments.delete(id);
    this.#deployments.set(deploymentId, job);
    return { statistics };
  }

  async #load(request: DeployTasks, session: RpcSession, epoch: number): Promise<TaskManagerJob> {
    const { platform, loader, name } = this.#options;
    const { jobId } = request;
    // Attempts are counted anew by every JobManager.
    const wire = new JobWire({ endpoint: this.#data, jobId, session: String(epoch), bells: platform.bells });
    const file = await this.#code.provide(request.codeHash, () => fetchAll(session, request.codeHash));
    return TaskManagerJob.load({
      request,
      code: loader(file, request.args),
      platform,
      name,
      copies: this.#copies,
      wire,
      onWarning: (text) => {
        if (this.#session === session) session.tell(jobWarning, { jobId, text });
      },
    });
  }

  /** A job whose session has ended while it was loaded is nobody's. */
  #checkIs(session: RpcSession, job: TaskManagerJob, jobId: string): void {
    if (this.#session === session && this.#jobs.has(jobId)) return;
    void job.close().catch((error: unknown) => this.#warn(error));
    throw this.#lost();
  }

  async #cancel(deploymentId: string): Promise<{ statistics: Uint8Array }> {
    const job = this.#deployments.get(deploymentId);
    await job?.cancel(deploymentId);
    return { statistics: job?.statistics(deploymentId) ?? new Uint8Array() };
  }

  async #release(jobId: string): Promise<{ isReleased: boolean }> {
    const loading = this.#jobs.get(jobId);
    if (loading === undefined) {
      await this.#copies.release(jobId);
      return { isReleased: false };
    }
    this.#jobs.delete(jobId);
    const [loaded] = await Promise.allSettled([loading]);
    if (loaded.status === "fulfilled") {
      for (const each of loaded.value.deploymentIds) this.#deployments.delete(each);
      await loaded.value.close();
    }
    await this.#copies.release(jobId);
    return { isReleased: loaded.status === "fulfilled" };
  }

  #of(deploymentId: string): NonNullable<ReturnType<TaskManagerJob["deployed"]>> {
    const deployed = this.#deployments.get(deploymentId)?.deployed(deploymentId);
    if (deployed === undefined) throw this.#lost();
    return deployed;
  }

  #say(session: RpcSession, deploymentId: string, event: TasksEvent): void {
    if (this.#session !== session) return;
    try {
      session.tell(tasksEvent, { deploymentId, event });
    } catch (error) {
      // Too large for a message, or nothing that can be sent.
      const [task, checkpointId] = event.args;
      if (event.method === "onAcknowledged")
        this.#say(session, deploymentId, eventOf("onDeclined", [task, checkpointId, error]));
      else session.end(error instanceof MillraceError ? error : undefined);
    }
  }

  #sendStatistics(): void {
    const { platform } = this.#options;
    for (const [deploymentId, job] of this.#deployments) {
      const statistics = job.statistics(deploymentId);
      if (statistics !== undefined) this.#session?.tell(tasksStatistics, { deploymentId, statistics });
    }
    void this.#copies.releaseUnclaimed();
    this.#cancelStatistics = platform.clock.after(STATISTICS_INTERVAL_MS, () => this.#sendStatistics());
  }

  #lost(): MillraceError {
    const { name, platform } = this.#options;
    return taskManagerLost(name, platform.proc.hostName, undefined);
  }

  #warn(error: unknown): void {
    this.#options.onWarning(error instanceof Error ? error.message : String(error));
  }
}

async function fetchAll(session: RpcSession, hash: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const { bytes, total } = await session.call(fetchCode, { hash, offset });
    parts.push(bytes);
    offset += bytes.length;
    if (offset >= total || bytes.length === 0) break;
  }
  const all = new Uint8Array(offset);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

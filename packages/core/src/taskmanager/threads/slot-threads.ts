/**
 * The threads of a job's slots. They outlive attempts: a restart deploys into the threads that are there and replaces only
 * those that died.
 */
import { invariant } from "../../base/errors.ts";
import type { Configuration } from "../../config/configuration.ts";
import {
  BLOCKED_TIMEOUT,
  BLOCKED_WARNING,
  CANCELLATION_TIMEOUT,
  TASK_HEAP_SIZE,
} from "../../config/taskmanager-options.ts";
import { createDoorbellMemory } from "../../exchange/doorbell.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import type { MetricSnapshot } from "../../metrics/metric-snapshot.ts";
import type { Platform } from "../../platform/platform.ts";
import { slotCountOf } from "../slot-layout.ts";
import { jobEnded } from "./slot-errors.ts";
import { SlotThread } from "./slot-thread.ts";
import type { AttemptMessage, JobModuleReference } from "./slot-thread-messages.ts";

export interface SlotThreadsOptions {
  readonly graph: JobGraph;
  readonly jobId: string;
  readonly module: JobModuleReference;
  /** The module whose `main` runs a slot's thread. */
  readonly mainUrl: string;
  /** See `SpawnOptions`. */
  readonly isSelfContained: boolean;
  /** What the threads start from; the job's module may change it, the same way in each. */
  readonly given: Configuration;
  /** What the job's module has made of it. */
  readonly configuration: Configuration;
  /** The slots of the job that are in this process, of all that it has. */
  readonly slots: readonly number[];
  readonly platform: Platform;
  readonly onWarning: (message: string) => void;
}

/** What an attempt hears from the threads it is in. */
export interface AttemptOfThreads {
  onMessage(slot: number, message: AttemptMessage): void;
  onDead(slot: number, error: Error): void;
}

export class SlotThreads {
  /** One a slot of the job, and one for whoever carries channels between processes ({@link SlotThreads.wireBell}). */
  readonly doorbells: SharedArrayBuffer;
  readonly wireBell: number;
  readonly #options: SlotThreadsOptions;
  readonly #currentTasks: SharedArrayBuffer;
  readonly #threads = new Map<number, SlotThread>();
  /** By attempt number. */
  readonly #attempts = new Map<number, AttemptOfThreads>();
  #slots: readonly number[];
  #isClosed = false;

  constructor(options: SlotThreadsOptions) {
    this.#options = options;
    this.#slots = options.slots;
    const count = slotCountOf(options.graph);
    this.wireBell = count;
    this.doorbells = createDoorbellMemory(count + 1);
    this.#currentTasks = new SharedArrayBuffer(count * 4);
  }

  /** The slots of the job that are here. */
  get slots(): readonly number[] {
    return this.#slots;
  }

  /** These slots of the job are here, too; their threads start with what is deployed to them. */
  add(slots: readonly number[]): void {
    this.#slots = [...new Set([...this.#slots, ...slots])];
  }

  /**
   * Starts the threads of these slots that are missing; settles when they have loaded the job.
   * @throws MillraceError `MR_GRAPH_DIFFERS`, what a thread died of, what the job's module threw, or `MR_JOB_CANCELED` when
   *   `close` was called
   */
  async start(slots: readonly number[]): Promise<void> {
    if (this.#isClosed) throw jobEnded();
    for (const slot of slots) {
      if (this.#threads.get(slot)?.isDead ?? true) this.#threads.set(slot, this.#spawn(slot));
    }
    await Promise.all(slots.map((slot) => this.thread(slot).loaded));
  }

  thread(slot: number): SlotThread {
    const thread = this.#threads.get(slot);
    invariant(thread !== undefined, `slot ${slot} has no thread here`);
    return thread;
  }

  /** From now on the attempt hears what threads say about it. */
  listen(deploymentNumber: number, attempt: AttemptOfThreads): void {
    this.#attempts.set(deploymentNumber, attempt);
  }

  /** The attempt is over. */
  unlisten(deploymentNumber: number): void {
    this.#attempts.delete(deploymentNumber);
  }

  /** What the metrics in all threads show. */
  async metrics(): Promise<readonly MetricSnapshot[]> {
    const perThread = await Promise.all([...this.#threads.values()].map((thread) => thread.metrics()));
    return perThread.flat();
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#attempts.clear();
    await Promise.all([...this.#threads.values()].map((thread) => thread.terminate()));
  }

  #spawn(slot: number): SlotThread {
    const { graph, jobId, module, mainUrl, isSelfContained, given, configuration, platform, onWarning } = this.#options;
    Atomics.store(new Int32Array(this.#currentTasks), slot, -1);
    return new SlotThread({
      input: {
        slot,
        jobId,
        jobName: graph.name,
        module,
        configuration: given.toEntries(),
        doorbells: this.doorbells,
        currentTasks: this.#currentTasks,
      },
      mainUrl,
      isSelfContained,
      graph,
      platform,
      heapBytesMax: configuration.get(TASK_HEAP_SIZE),
      blockedWarningMs: configuration.get(BLOCKED_WARNING),
      blockedTimeoutMs: configuration.get(BLOCKED_TIMEOUT),
      cancellationTimeoutMs: configuration.get(CANCELLATION_TIMEOUT),
      listener: {
        onMessage: (deploymentNumber, message) => this.#attempts.get(deploymentNumber)?.onMessage(slot, message),
        onDead: (error) => {
          for (const attempt of [...this.#attempts.values()]) attempt.onDead(slot, error);
        },
        onWarning,
      },
    });
  }
}

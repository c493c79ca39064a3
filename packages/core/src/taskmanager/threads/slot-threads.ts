/**
 * The threads of a job's slots. They outlive attempts: a restart deploys into the threads that are there and replaces only
 * those that died.
 */
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
  readonly platform: Platform;
  readonly onWarning: (message: string) => void;
}

/** Who hears from the threads at the moment: the current attempt. */
export interface AttemptOfThreads {
  onMessage(slot: number, attemptNumber: number, message: AttemptMessage): void;
  onDead(slot: number, error: Error): void;
}

export class SlotThreads {
  readonly doorbells: SharedArrayBuffer;
  readonly #options: SlotThreadsOptions;
  readonly #currentTasks: SharedArrayBuffer;
  readonly #threads: (SlotThread | undefined)[];
  #attempt: AttemptOfThreads | undefined;
  #isClosed = false;

  constructor(options: SlotThreadsOptions) {
    this.#options = options;
    const count = slotCountOf(options.graph);
    this.doorbells = createDoorbellMemory(count);
    this.#currentTasks = new SharedArrayBuffer(count * 4);
    this.#threads = new Array<SlotThread | undefined>(count).fill(undefined);
  }

  get count(): number {
    return this.#threads.length;
  }

  /**
   * Starts the threads that are missing; settles when all have loaded the job.
   * @throws MillraceError `MR_GRAPH_DIFFERS`, what a thread died of, what the job's module threw, or `MR_JOB_CANCELED` when
   *   `close` was called
   */
  async start(): Promise<void> {
    if (this.#isClosed) throw jobEnded();
    for (let slot = 0; slot < this.count; slot++) {
      if (this.#threads[slot] === undefined || this.#threads[slot]!.isDead) this.#threads[slot] = this.#spawn(slot);
    }
    await Promise.all(this.#threads.map((thread) => thread!.loaded));
  }

  thread(slot: number): SlotThread {
    return this.#threads[slot]!;
  }

  /** From now on this attempt hears what threads say. */
  listen(attempt: AttemptOfThreads): void {
    this.#attempt = attempt;
  }

  /** What the metrics in all threads show. */
  async metrics(): Promise<readonly MetricSnapshot[]> {
    const perThread = await Promise.all(this.#threads.map((thread) => thread?.metrics() ?? []));
    return perThread.flat();
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#attempt = undefined;
    await Promise.all(this.#threads.map((thread) => thread?.terminate()));
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
        onMessage: (attemptNumber, message) => this.#attempt?.onMessage(slot, attemptNumber, message),
        onDead: (error) => {
          if (!this.#isClosed) this.#attempt?.onDead(slot, error);
        },
        onWarning,
      },
    });
  }
}

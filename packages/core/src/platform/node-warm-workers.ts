import type { NodeWorkers, WarmThread } from "./node-workers.ts";
import type { Cancel, Clock, SpawnOptions, WorkerHandle, Workers } from "./platform.ts";

/** A process that has just begun, and one whose job has just ended, has something better to do. */
export const WARM_AFTER_MS = 2000;

/** Its timers keep no process alive. @internal */
export const idleClock: Pick<Clock, "after"> = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** @internal */
export interface WarmWorkersOptions {
  readonly workers: NodeWorkers;
  /** {@link idleClock}, or a test's. */
  readonly clock: Pick<Clock, "after">;
  /** What the threads load ahead. */
  readonly moduleUrl: string;
  readonly heapBytesMax: number | undefined;
  /** Threads that wait and threads that run, together, beyond which none is started to wait. */
  readonly threadsMax: number;
}

/**
 * Worker threads of Node, some of which have loaded their module before anybody needs them: a TaskManager with free slots
 * takes over from another one without waiting for Node and the engine to start.
 *
 * - W1. A thread runs for one input only: none is used again, and nothing of a job is in one that waits.
 * - W2. One that dies while it waits is not replaced before another thread ends: a module that cannot be loaded is not
 *   tried again and again. Whoever spawns meanwhile starts a thread anew, and hears what is wrong.
 * - W3. Threads that wait keep no process alive.
 * @internal
 */
export class NodeWarmWorkers implements Workers {
  readonly #options: WarmWorkersOptions;
  readonly #waiting: Set<WarmThread> = new Set();
  #runningCount = 0;
  #isClosed = false;
  #filling: Cancel | undefined;

  constructor(options: WarmWorkersOptions) {
    this.#options = options;
    this.#fillLater();
  }

  /** How many threads wait. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  spawn(moduleUrl: string, input: unknown, options: SpawnOptions = {}): WorkerHandle {
    const worker = this.#take(moduleUrl, input, options) ?? this.#options.workers.spawn(moduleUrl, input, options);
    this.#runningCount++;
    worker.onExit(() => {
      this.#runningCount--;
      this.#fillLater();
    });
    return worker;
  }

  /** Ends the threads that wait; none is started to wait any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#filling?.();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    await Promise.all(waiting.map((thread) => thread.terminate()));
  }

  #take(moduleUrl: string, input: unknown, options: SpawnOptions): WorkerHandle | undefined {
    const { heapBytesMax, isSelfContained = false, willImport = [] } = options;
    const own = this.#options;
    if (moduleUrl !== own.moduleUrl || heapBytesMax !== own.heapBytesMax || isSelfContained) return undefined;
    // A loader for it has to be there before anything is loaded.
    if (willImport.some((url) => !url.endsWith(".mjs"))) return undefined;
    const [thread] = this.#waiting;
    const handle = thread?.run(input);
    if (thread !== undefined) this.#waiting.delete(thread);
    return handle;
  }

  #fillLater(): void {
    if (this.#isClosed) return;
    this.#filling?.();
    this.#filling = this.#options.clock.after(WARM_AFTER_MS, () => this.#fill());
  }

  #fill(): void {
    const { workers, moduleUrl, heapBytesMax, threadsMax } = this.#options;
    while (this.#waiting.size + this.#runningCount < threadsMax) {
      const thread = workers.warm(moduleUrl, {
        name: "slot",
        ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
      });
      this.#waiting.add(thread);
      thread.onExit(() => this.#waiting.delete(thread));
    }
  }
}

import { MessageBox } from "./message-box.ts";
import type { Platform, StackFrame, WorkerHandle, WorkerMain, WorkerScope, Workers } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedLane } from "./simulated-scheduler.ts";

/** A thread needs this long to start: seeded, in ms. */
const START_MS: readonly [min: number, max: number] = [5, 60];

/** A message needs this long from thread to thread: seeded, in ms. */
const MESSAGE_MS: readonly [min: number, max: number] = [0.01, 0.5];

/** What Node says for a thread that failed or was terminated. */
const EXIT_CODE_FAILED = 1;

/** How the threads of a process come to their own platform. @internal */
export interface SimulatedWorkersHost {
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  /** Shared by all incarnations of a process, filled by {@link SimulatedWorkers.register}. */
  readonly mains: Map<string, WorkerMain>;
  threadPlatform(thread: SimulatedProcess, random: SeededRandom): Platform;
}

/**
 * Threads as functions of this thread: each has a mailbox, a platform with its own clock and random numbers, and the
 * disk of its process. Modules cannot be loaded twice, so the functions are registered by hand; they must share no
 * module-level state.
 * @internal
 */
export class SimulatedWorkers implements Workers {
  readonly #host: SimulatedWorkersHost;
  #spawnCount = 0;

  constructor(host: SimulatedWorkersHost) {
    this.#host = host;
  }

  /** From now on `spawn(moduleUrl)` runs `main`. */
  register(moduleUrl: string, main: WorkerMain): void {
    this.#host.mains.set(moduleUrl, main);
  }

  spawn(moduleUrl: string, input: unknown): WorkerHandle {
    const label = `worker-${this.#spawnCount++}`;
    const clone = structuredClone(input);
    return new SimulatedWorker(this.#host, label, (scope) => {
      const main = this.#host.mains.get(moduleUrl);
      if (main === undefined) throw new Error(`no worker is registered for ${moduleUrl}`);
      return main({ ...scope, input: clone });
    });
  }
}

class SimulatedWorker implements WorkerHandle {
  readonly #parent: SimulatedProcess;
  readonly #thread: SimulatedProcess;
  readonly #random: SeededRandom;
  readonly #inbox: MessageBox<[message: unknown]> = new MessageBox();
  readonly #outbox: MessageBox<[message: unknown]> = new MessageBox();
  readonly #exits: MessageBox<[exitCode: number, failure: Error | undefined]> = new MessageBox();
  readonly #laneIn: SimulatedLane = new SimulatedLane();
  readonly #laneOut: SimulatedLane = new SimulatedLane();
  /** A message that was posted before the thread ran cannot arrive before it runs. */
  #startedAtMs: number;

  constructor(host: SimulatedWorkersHost, label: string, main: (scope: Omit<WorkerScope, "input">) => unknown) {
    this.#parent = host.process;
    this.#random = host.random.fork(label);
    this.#thread = host.process.startThread(`${host.process.name}/${label}`, (error) =>
      this.#exit(EXIT_CODE_FAILED, toError(error)),
    );
    const scope: Omit<WorkerScope, "input"> = {
      platform: host.threadPlatform(this.#thread, this.#random.fork("platform")),
      postMessage: (message, transfer = []) =>
        this.#deliver(this.#parent, structuredClone(message, { transfer: [...transfer] }), this.#outbox, this.#laneOut),
      onMessage: (listener) => this.#inbox.listen(listener),
      exit: (exitCode) => this.#exit(exitCode, undefined),
    };
    const startMs = this.#between(START_MS);
    this.#startedAtMs = this.#parent.scheduler.nowMs + startMs;
    this.#thread.schedule(startMs, "start", () => {
      // A promise, so that a synchronous throw and a rejection end the same way.
      const running = new Promise((resolve) => {
        resolve(main(scope));
      });
      running.catch((error: unknown) => this.#exit(EXIT_CODE_FAILED, toError(error)));
    });
  }

  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    this.#deliver(this.#thread, structuredClone(message, { transfer: [...transfer] }), this.#inbox, this.#laneIn);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#outbox.listen(listener);
  }

  onExit(listener: (exitCode: number, failure: Error | undefined) => void): void {
    this.#exits.listen(listener);
  }

  /** Simulated threads run to their next event in no time, so none is ever in the middle of something. */
  async callStack(): Promise<readonly StackFrame[]> {
    return [];
  }

  terminate(): Promise<void> {
    return new Promise((resolve) => {
      this.#parent.schedule(this.#between(MESSAGE_MS), "terminate", () => {
        this.#exit(EXIT_CODE_FAILED, undefined);
        this.#parent.schedule(0, "terminated", resolve, this.#laneOut);
      });
    });
  }

  #deliver(receiver: SimulatedProcess, clone: unknown, box: MessageBox<[message: unknown]>, lane: SimulatedLane): void {
    // What a dead thread still says is not heard.
    if (this.#thread.isDead) return;
    const nowMs = receiver.scheduler.nowMs;
    const startsInMs = receiver === this.#thread ? Math.max(0, this.#startedAtMs - nowMs) : 0;
    receiver.schedule(startsInMs + this.#between(MESSAGE_MS), "message", () => box.put(clone), lane);
  }

  #exit(exitCode: number, failure: Error | undefined): void {
    if (this.#thread.isDead) return;
    this.#thread.kill();
    // Behind the messages that the thread posted before, which still arrive.
    this.#parent.schedule(this.#between(MESSAGE_MS), "exit", () => this.#exits.put(exitCode, failure), this.#laneOut);
  }

  #between([min, max]: readonly [min: number, max: number]): number {
    return min + this.#random.fraction() * (max - min);
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`the worker threw ${String(thrown)}`);
}

import type { Cancel } from "./platform.ts";
import type { SimulatedLane, SimulatedScheduler } from "./simulated-scheduler.ts";

/**
 * Whose events they are. Killing a process drops its queued events, so what it awaits never settles and none of its
 * `finally` blocks runs, as after SIGKILL. Threads are processes that die with their parent.
 * @internal
 */
export class SimulatedProcess {
  readonly scheduler: SimulatedScheduler;
  readonly name: string;
  readonly #cancels: Set<Cancel> = new Set();
  readonly #children: SimulatedProcess[] = [];
  readonly #onUncaught: ((error: unknown) => void) | undefined;
  #isDead = false;

  constructor(scheduler: SimulatedScheduler, name: string, onUncaught?: (error: unknown) => void) {
    this.scheduler = scheduler;
    this.name = name;
    this.#onUncaught = onUncaught;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** A thread of this process. What it throws outside of promises goes to `onUncaught`. */
  startThread(name: string, onUncaught: (error: unknown) => void): SimulatedProcess {
    const thread = new SimulatedProcess(this.scheduler, name, onUncaught);
    if (this.#isDead) thread.kill();
    this.#children.push(thread);
    return thread;
  }

  /** Does nothing when the process is dead. */
  schedule(delayMs: number, label: string, action: () => void, lane?: SimulatedLane): Cancel {
    if (this.#isDead) return () => {};
    const run = (): void => {
      this.#cancels.delete(cancel);
      this.#run(action);
    };
    const drop = this.scheduler.schedule(delayMs, `${this.name} ${label}`, run, lane);
    const cancel = (): void => {
      this.#cancels.delete(cancel);
      drop();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.scheduler.trace.add(`${this.name} killed`);
    for (const cancel of [...this.#cancels]) cancel();
    for (const child of this.#children) child.kill();
  }

  #run(action: () => void): void {
    if (this.#onUncaught === undefined) {
      action();
      return;
    }
    try {
      action();
    } catch (error) {
      this.#onUncaught(error);
    }
  }
}

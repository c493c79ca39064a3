import type { Cancel } from "./platform.ts";
import type { SimulatedLane, SimulatedScheduler } from "./simulated-scheduler.ts";

/** What a process dies of: a signal, after which its machine tidies up behind it, or the loss of the machine's power. @internal */
export type DeathCause = "killed" | "powerLost";

/** An event that came due while its process was paused. */
interface HeldEvent {
  readonly label: string;
  action: (() => void) | undefined;
}

/**
 * Whose events they are. Killing a process drops its queued events, so what it awaits never settles and none of its
 * `finally` blocks runs, as after SIGKILL. Pausing it holds them, as SIGSTOP does. Threads are processes that die and
 * pause with their parent.
 * @internal
 */
export class SimulatedProcess {
  readonly scheduler: SimulatedScheduler;
  readonly name: string;
  readonly #cancels: Set<Cancel> = new Set();
  readonly #children: SimulatedProcess[] = [];
  readonly #onUncaught: ((error: unknown) => void) | undefined;
  readonly #onDeath: ((cause: DeathCause) => void)[] = [];
  readonly #held: HeldEvent[] = [];
  #isDead = false;
  #isPaused = false;
  /** Events that were held come before all that are due after them. */
  #isCatchingUp = false;

  constructor(scheduler: SimulatedScheduler, name: string, onUncaught?: (error: unknown) => void) {
    this.scheduler = scheduler;
    this.name = name;
    this.#onUncaught = onUncaught;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Called once, when the process dies; for what the machine does behind a dead process. */
  onDeath(listener: (cause: DeathCause) => void): void {
    this.#onDeath.push(listener);
  }

  /** A thread of this process. What it throws outside of promises goes to `onUncaught`. */
  startThread(name: string, onUncaught: (error: unknown) => void): SimulatedProcess {
    const thread = new SimulatedProcess(this.scheduler, name, onUncaught);
    if (this.#isDead) thread.kill();
    if (this.#isPaused) thread.pause();
    this.#children.push(thread);
    return thread;
  }

  /** Does nothing when the process is dead. */
  schedule(delayMs: number, label: string, action: () => void, lane?: SimulatedLane): Cancel {
    if (this.#isDead) return () => {};
    const event: HeldEvent = {
      label,
      action: () => {
        this.#cancels.delete(cancel);
        this.#run(action);
      },
    };
    const run = (): void => {
      if (this.#isPaused || this.#isCatchingUp) this.#held.push(event);
      else event.action?.();
    };
    const drop = this.scheduler.schedule(delayMs, `${this.name} ${label}`, run, lane);
    const cancel = (): void => {
      this.#cancels.delete(cancel);
      event.action = undefined;
      drop();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  kill(cause: DeathCause = "killed"): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.scheduler.trace.add(`${this.name} ${cause === "killed" ? "killed" : "lost its power"}`);
    for (const cancel of [...this.#cancels]) cancel();
    for (const child of this.#children) child.kill(cause);
    for (const listener of this.#onDeath) listener(cause);
  }

  /** SIGSTOP: nothing of it runs until {@link SimulatedProcess.resume}, when all that came due runs in the order it came. */
  pause(): void {
    if (this.#isDead || this.#isPaused) return;
    this.#isPaused = true;
    this.scheduler.trace.add(`${this.name} paused`);
    for (const child of this.#children) child.pause();
  }

  /** SIGCONT. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isDead) this.scheduler.trace.add(`${this.name} resumed`);
    for (const child of this.#children) child.resume();
    if (!this.#isCatchingUp) this.#catchUp();
  }

  /** One event at a time, so that each has its microtasks to itself (S2). */
  #catchUp(): void {
    this.#isCatchingUp = this.#held.length > 0 && !this.#isDead;
    if (!this.#isCatchingUp) return;
    this.scheduler.schedule(0, `${this.name} catches up`, () => {
      if (this.#isPaused) {
        this.#isCatchingUp = false;
        return;
      }
      const event = this.#held.shift();
      this.#catchUp();
      if (event?.action === undefined || this.#isDead) return;
      this.scheduler.trace.add(`${this.name} held ${event.label}`);
      event.action();
    });
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

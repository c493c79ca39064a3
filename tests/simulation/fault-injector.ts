/** Carries out a plan's faults: each waits for its moment, in the order of the plan's times and independent of the others. */
import {
  type DiskEffect,
  type EffectVerdict,
  HEALTHY_DISK,
  type SimulatedPlatform,
  type WorkerHandle,
} from "millrace/internal";
import type { Fault } from "./plan.ts";
import type { World } from "./world.ts";

/** What the disk does that a crash can separate from what follows. */
const DURABLE: ReadonlySet<DiskEffect["operation"]> = new Set([
  "write",
  "truncate",
  "sync",
  "rename",
  "remove",
  "remove tree",
  "make directory",
  "sync directory",
]);

export const isDurableEffect = (effect: DiskEffect): boolean => DURABLE.has(effect.operation);

/** The faults that a user, or the job's supervisor, is asked for. */
export type UserFault = Extract<Fault, { readonly kind: "cancel" | "stop" | "suspend" | "savepoint" }>;

export interface FaultTarget {
  /** The incarnation that runs. */
  readonly platform: () => SimulatedPlatform;
  /** Living threads of slots. */
  readonly workers: () => readonly WorkerHandle[];
  readonly onDown: (downMs: number) => void;
  readonly onUser: (fault: UserFault) => void;
}

interface Armed {
  readonly fault: Fault;
  /** Durable effects that are still waited for. */
  left: number;
}

export class FaultInjector {
  readonly #world: World;
  readonly #target: FaultTarget;
  readonly #armed: Armed[] = [];
  /** Faults that have not struck yet, and conditions that have not ended. */
  #pendingCount: number;

  constructor(world: World, target: FaultTarget) {
    this.#world = world;
    this.#target = target;
    this.#pendingCount = world.plan.faults.length;
    const { scheduler } = target.platform();
    for (const fault of world.plan.faults) {
      scheduler.schedule(fault.at.ms, `fault ${fault.kind}`, () => this.#onTime(fault));
    }
  }

  /** Nothing goes wrong any more. */
  get isCalm(): boolean {
    return this.#pendingCount === 0;
  }

  /** Faults that wait for an effect which may never come are over. */
  giveUp(): void {
    this.#pendingCount -= this.#armed.splice(0).length;
  }

  /** For the disk's hook. */
  onEffect(effect: DiskEffect): EffectVerdict | undefined {
    if (this.#armed.length === 0 || !isDurableEffect(effect)) return undefined;
    if (effect.phase === "before") for (const armed of this.#armed) armed.left--;
    const due = this.#armed.findIndex(({ left, fault }) => left <= 0 && fault.at.effect?.phase === effect.phase);
    if (due < 0) return undefined;
    const { fault } = this.#armed.splice(due, 1)[0]!;
    return this.#strikeAtEffect(fault);
  }

  #onTime(fault: Fault): void {
    if (fault.at.effect === undefined) this.#strike(fault);
    else this.#armed.push({ fault, left: fault.at.effect.number });
  }

  #strikeAtEffect(fault: Fault): EffectVerdict | undefined {
    switch (fault.kind) {
      case "kill":
      case "powerOff":
        this.#over(fault);
        this.#target.onDown(fault.downMs);
        return { kind: fault.kind };
      case "ioError":
        this.#over(fault);
        return { kind: "fail", errno: "EIO" };
      default:
        // Not within the effect: what is asked of a job or a thread takes its way through the event loop.
        this.#target.platform().scheduler.schedule(0, `fault ${fault.kind}`, () => this.#strike(fault));
        return undefined;
    }
  }

  #strike(fault: Fault): void {
    const platform = this.#target.platform();
    switch (fault.kind) {
      case "kill":
      case "powerOff":
        this.#over(fault);
        this.#target.onDown(fault.downMs);
        if (fault.kind === "kill") platform.kill();
        else platform.powerOff();
        return;
      case "killWorker": {
        this.#over(fault);
        const workers = this.#target.workers();
        void workers[fault.slot % Math.max(1, workers.length)]?.terminate();
        return;
      }
      case "pause":
        platform.pause();
        this.#later(fault, () => platform.resume());
        return;
      case "throw":
        this.#over(fault);
        this.#world.pendingThrows++;
        return;
      case "storeDown":
        this.#world.isStoreDown = true;
        this.#later(fault, () => {
          this.#world.isStoreDown = false;
        });
        return;
      case "ioError":
        this.#over(fault);
        return;
      case "cancel":
      case "stop":
      case "suspend":
      case "savepoint":
        this.#over(fault);
        this.#target.onUser(fault);
        return;
      default:
        this.#strikeDisk(fault);
    }
  }

  #strikeDisk(fault: Extract<Fault, { readonly kind: "slowDisk" | "stalledDisk" | "fullDisk" | "failingDisk" }>): void {
    const { storage } = this.#target.platform();
    const healthy = HEALTHY_DISK;
    switch (fault.kind) {
      case "slowDisk":
        storage.faults = { ...healthy, latencyMs: [0.6, 60] };
        break;
      case "stalledDisk":
        storage.faults = { ...healthy, stallShare: 0.2, stallMs: 300 };
        break;
      case "failingDisk":
        storage.faults = { ...healthy, errorShare: 0.1 };
        break;
      case "fullDisk":
        storage.disk.capacityBytes = storage.disk.usedBytes + 100;
        break;
    }
    this.#later(fault, () => {
      if (fault.kind === "fullDisk") storage.disk.capacityBytes = 2 ** 40;
      else storage.faults = HEALTHY_DISK;
    });
  }

  #later(fault: Fault & { readonly durationMs: number }, end: () => void): void {
    this.#world.countFault(fault.kind);
    this.#target.platform().scheduler.schedule(fault.durationMs, `end of ${fault.kind}`, () => {
      end();
      this.#pendingCount--;
    });
  }

  #over(fault: Fault): void {
    this.#world.countFault(fault.kind);
    this.#pendingCount--;
  }
}

/** Carries out a plan's faults: each waits for its moment, in the order of the plan's times and independent of the others. */
import { type DiskEffect, type EffectVerdict, HEALTHY_DISK, type SimulatedPlatform } from "millrace/internal";
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
export type UserFault = Extract<
  Fault,
  { readonly kind: "cancel" | "stop" | "suspend" | "drain" | "savepoint" | "checkpoint" }
>;

/** What happens to machines and processes, and how it ends. */
export type MachineFault = Exclude<Fault, UserFault | { readonly kind: "throw" | "storeDown" | "ioError" }>;

/** Ends a fault that lasts. */
export type EndOfFault = () => void;

/** The machines that faults strike. */
export interface FaultTarget {
  /** Whether it is an effect on the machine that the fault is for. */
  isFor(fault: Fault, effect: DiskEffect): boolean;
  strike(fault: MachineFault): EndOfFault | undefined;
  /** The process that the effect is done for is about to die of the fault. */
  onDeath(fault: Extract<Fault, { readonly kind: "kill" | "powerOff" }>): EndOfFault | undefined;
  onUser(fault: UserFault): void;
}

interface Armed {
  readonly fault: Fault;
  /** Durable effects that are still waited for. */
  left: number;
}

export class FaultInjector {
  readonly #world: World;
  readonly #scheduler: SimulatedPlatform["scheduler"];
  readonly #target: FaultTarget;
  readonly #armed: Armed[] = [];
  /** Faults that have not struck yet, and conditions that have not ended. */
  #pendingCount: number;
  /** Conditions that have begun and not ended. */
  #lastingCount = 0;

  constructor(world: World, scheduler: SimulatedPlatform["scheduler"], target: FaultTarget) {
    this.#world = world;
    this.#scheduler = scheduler;
    this.#target = target;
    this.#pendingCount = world.plan.faults.length;
    for (const fault of world.plan.faults) {
      scheduler.schedule(fault.at.ms, `fault ${fault.kind}`, () => this.#onTime(fault));
    }
  }

  /** Nothing goes wrong any more. */
  get isCalm(): boolean {
    return this.#pendingCount === 0;
  }

  /** Something is wrong now that began before. */
  get isLasting(): boolean {
    return this.#lastingCount > 0;
  }

  /** Faults that wait for an effect which may never come are over. */
  giveUp(): void {
    this.#pendingCount -= this.#armed.splice(0).length;
  }

  /** For the hooks of disks. */
  onEffect(effect: DiskEffect): EffectVerdict | undefined {
    if (this.#armed.length === 0 || !isDurableEffect(effect)) return undefined;
    const concerned = this.#armed.filter(({ fault }) => isAwaited(fault, effect) && this.#target.isFor(fault, effect));
    if (effect.phase === "before") for (const armed of concerned) armed.left--;
    const due = concerned.find(({ left, fault }) => left <= 0 && fault.at.effect?.phase === effect.phase);
    if (due === undefined) return undefined;
    this.#armed.splice(this.#armed.indexOf(due), 1);
    return this.#strikeAtEffect(due.fault);
  }

  #onTime(fault: Fault): void {
    if (fault.at.effect === undefined) this.#strike(fault);
    else this.#armed.push({ fault, left: fault.at.effect.number });
  }

  #strikeAtEffect(fault: Fault): EffectVerdict | undefined {
    switch (fault.kind) {
      case "kill":
      case "powerOff":
        this.#struck(fault, this.#target.onDeath(fault));
        return { kind: fault.kind };
      case "ioError":
        this.#struck(fault, undefined);
        return { kind: "fail", errno: "EIO" };
      default:
        // Not within the effect: what is asked of a job or a thread takes its way through the event loop.
        this.#scheduler.schedule(0, `fault ${fault.kind}`, () => this.#strike(fault));
        return undefined;
    }
  }

  #strike(fault: Fault): void {
    switch (fault.kind) {
      case "throw":
        this.#world.pendingThrows++;
        this.#struck(fault, undefined);
        return;
      case "storeDown":
        this.#world.isStoreDown = true;
        this.#struck(fault, () => {
          this.#world.isStoreDown = false;
        });
        return;
      case "ioError":
        this.#struck(fault, undefined);
        return;
      case "cancel":
      case "stop":
      case "suspend":
      case "drain":
      case "savepoint":
      case "checkpoint":
        this.#struck(fault, undefined);
        this.#target.onUser(fault);
        return;
      default:
        this.#struck(fault, this.#target.strike(fault));
    }
  }

  #struck(fault: Fault, end: EndOfFault | undefined): void {
    this.#world.countFault(fault.kind);
    if (end === undefined) {
      this.#pendingCount--;
      return;
    }
    this.#lastingCount++;
    this.#scheduler.schedule(durationOf(fault), `end of ${fault.kind}`, () => {
      end();
      this.#world.disturbed();
      this.#lastingCount--;
      this.#pendingCount--;
    });
  }
}

function isAwaited({ at }: Fault, { operation, path }: DiskEffect): boolean {
  const effect = `${operation} ${path}`;
  return at.effect?.of?.every((text) => effect.includes(text)) ?? true;
}

function durationOf(fault: Fault): number {
  if ("durationMs" in fault) return fault.durationMs;
  return "downMs" in fault ? fault.downMs : 0;
}

export function strikeDisk(
  storage: SimulatedPlatform["storage"],
  kind: "slowDisk" | "stalledDisk" | "fullDisk" | "failingDisk",
): EndOfFault {
  const healthy = HEALTHY_DISK;
  switch (kind) {
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
      return () => {
        storage.disk.capacityBytes = 2 ** 40;
      };
  }
  return () => {
    storage.faults = HEALTHY_DISK;
  };
}

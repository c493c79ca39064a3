import {
  type DiskEffect,
  type DiskFaults,
  type DiskOperation,
  type EffectHook,
  type EffectVerdict,
  HEALTHY_DISK,
} from "./disk-faults.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { UnsyncedFate } from "./simulated-file.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** @internal */
export interface SimulatedStorageOptions {
  readonly capacityBytes?: number;
  /** Parts of {@link HEALTHY_DISK} to replace. */
  readonly faults?: Partial<DiskFaults>;
  readonly onEffect?: EffectHook;
}

/**
 * A disk with its faults and crash points. It belongs to the machine: a process that starts again finds it as the last
 * one left it. `faults` and `onEffect` may be changed at any time.
 * @internal
 */
export class SimulatedStorage {
  readonly disk: SimulatedDisk;
  faults: DiskFaults;
  onEffect: EffectHook | undefined;
  readonly #processes: Set<SimulatedProcess> = new Set();
  #effectCount = 0;

  constructor(random: SeededRandom, options: SimulatedStorageOptions = {}) {
    this.disk = new SimulatedDisk(random, options.capacityBytes);
    this.faults = { ...HEALTHY_DISK, ...options.faults };
    this.onEffect = options.onEffect;
  }

  /** How many effects there were; crash points are numbered below it. */
  get effectCount(): number {
    return this.#effectCount;
  }

  /** From now on the process goes down with the power of this machine. */
  attach(process: SimulatedProcess): void {
    this.#processes.add(process);
  }

  /** Kills every process on this machine; the disk loses what was not synced. */
  losePower(unsynced: UnsyncedFate): void {
    for (const process of this.#processes) process.kill("powerLost");
    this.#processes.clear();
    this.disk.losePower(unsynced);
  }

  /** @internal */
  nextEffectIndex(): number {
    return this.#effectCount++;
  }

  /** @internal */
  judge(
    effect: { index: number; operation: DiskOperation; path: string; host: string },
    phase: DiskEffect["phase"],
  ): EffectVerdict | undefined {
    return this.onEffect?.({ ...effect, phase });
  }
}

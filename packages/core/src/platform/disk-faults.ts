import type { SeededRandom } from "./seeded-random.ts";
import type { UnsyncedFate } from "./simulated-file.ts";

/** The operations of a file system, as effects name them. @internal */
export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "size"
  | "sync"
  | "close"
  | "rename"
  | "remove"
  | "remove tree"
  | "make directory"
  | "list"
  | "stat"
  | "sync directory"
  | "free space";

/** One step of the file system: a whole operation, or one piece of a read or write. @internal */
export interface DiskEffect {
  /** Counts all effects on this disk from 0, over restarts. A schedule is replayed by its index. */
  readonly index: number;
  readonly phase: "before" | "after";
  readonly operation: DiskOperation;
  readonly path: string;
  /** The machine that it is done for: not the disk's own where that is mounted. */
  readonly host: string;
}

/**
 * What a crash point does: fail the operation (after the effect: it happened all the same), hold it up, kill the
 * process, or cut the power, which also loses unsynced changes (default: as the seed decides).
 * @internal
 */
export type EffectVerdict =
  | { readonly kind: "fail"; readonly errno: string }
  | { readonly kind: "delay"; readonly delayMs: number }
  | { readonly kind: "kill" }
  | { readonly kind: "powerOff"; readonly unsynced?: UnsyncedFate };

/** Asked before and after every effect; undefined lets it pass. @internal */
export type EffectHook = (effect: DiskEffect) => EffectVerdict | undefined;

/** How slow and how unreliable a disk is. All shares are probabilities from 0 to 1. @internal */
export interface DiskFaults {
  /** An effect takes a seeded time in [first, second] ms. */
  readonly latencyMs: readonly [min: number, max: number];
  /** Share of the effects that take `stallMs` longer. */
  readonly stallShare: number;
  readonly stallMs: number;
  /** Share of the reads, writes, truncates and syncs that fail with EIO before they have an effect. */
  readonly errorShare: number;
  /** Share of the reads and writes that happen in two pieces, with time for other things in between. */
  readonly shortTransferShare: number;
}

/** A healthy disk that is not equally fast every time. @internal */
export const HEALTHY_DISK: DiskFaults = {
  latencyMs: [0.02, 2],
  stallShare: 0,
  stallMs: 1000,
  errorShare: 0,
  shortTransferShare: 0.1,
};

const OPERATIONS_WITH_IO: ReadonlySet<DiskOperation> = new Set(["read", "write", "truncate", "sync", "sync directory"]);

/** Draws from the faults what happens to one effect. @internal */
export class FaultDice {
  readonly #random: SeededRandom;
  readonly #faults: () => DiskFaults;

  constructor(random: SeededRandom, faults: () => DiskFaults) {
    this.#random = random;
    this.#faults = faults;
  }

  latencyMs(): number {
    const { latencyMs, stallShare, stallMs } = this.#faults();
    const [min, max] = latencyMs;
    const usualMs = min + this.#random.fraction() * (max - min);
    return this.#random.fraction() < stallShare ? usualMs + stallMs : usualMs;
  }

  /** The EIO of a failing disk, if this effect meets one. */
  errno(operation: DiskOperation): "EIO" | undefined {
    const fails = this.#random.fraction() < this.#faults().errorShare;
    return fails && OPERATIONS_WITH_IO.has(operation) ? "EIO" : undefined;
  }

  /** Where a transfer of `byteCount` is cut in two; `byteCount` when it is not. */
  cut(byteCount: number): number {
    const isShort = this.#random.fraction() < this.#faults().shortTransferShare;
    return isShort && byteCount > 1 ? 1 + this.#random.below(byteCount - 1) : byteCount;
  }
}

import type { UnsyncedFate } from "./simulated-file.ts";
import type { SimulatedStorage } from "./simulated-storage.ts";

/**
 * A directory that a disk elsewhere stands behind, the same for every host that mounts it. What a host writes there is seen by
 * all at once; what it has not synced when it loses its power may be lost, and nothing else is.
 * @internal
 */
export interface SimulatedMount {
  /** Absolute; what is below it is on the storage, under the same path. */
  readonly path: string;
  readonly storage: SimulatedStorage;
}

/** A host loses its power: its processes die, and what they had not synced is gone, on its own disk and on others'. @internal */
export function losePowerOf(
  host: { readonly name: string; readonly storage: SimulatedStorage; readonly mounts: readonly SimulatedMount[] },
  unsynced: UnsyncedFate,
): void {
  host.storage.losePower(unsynced);
  for (const { disk } of new Set(host.mounts.map(({ storage }) => storage))) disk.loseClient(host.name, unsynced);
}

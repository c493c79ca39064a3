import { ALIGNED_CHECKPOINT_TIMEOUT, CHECKPOINTING_MODE, UNALIGNED_CHECKPOINTS } from "./checkpointing-options.ts";
import type { Configuration } from "./configuration.ts";

/** Whether checkpoints may go on without waiting for barriers. At least once, nothing is waited for anyway. @internal */
export function isUnaligned(configuration: Configuration): boolean {
  return configuration.get(CHECKPOINTING_MODE) === "EXACTLY_ONCE" && configuration.get(UNALIGNED_CHECKPOINTS);
}

/** How long a checkpoint waits for barriers, in ms; Infinity: as long as it takes. @internal */
export function unalignedAfterMsOf(configuration: Configuration): number {
  return isUnaligned(configuration) ? configuration.get(ALIGNED_CHECKPOINT_TIMEOUT) : Number.POSITIVE_INFINITY;
}

import { MillraceError } from "../base/errors.ts";

/** Where the state of a checkpoint goes, by its size in bytes. @internal */
export interface StateLimits {
  /** Smaller ones lie in the metadata; Infinity: all of them. */
  readonly inlineBelowBytes: number;
  /** Larger ones fail the checkpoint. */
  readonly stateBytesMax: number;
}

/** @throws MillraceError `MR_STATE_TOO_LARGE_FOR_MEMORY` @internal */
export function checkStateSize(sizeBytes: number, stateBytesMax: number): void {
  if (sizeBytes <= stateBytesMax) return;
  throw new MillraceError("MR_STATE_TOO_LARGE_FOR_MEMORY", {
    what: "A state is too large for checkpoints that are kept in memory",
    found: `${sizeBytes} bytes in one state of one subtask`,
    expected: `at most ${stateBytesMax} bytes`,
    todo: "Set execution.checkpointing.dir, so that checkpoints are kept in files; or raise execution.checkpointing.jobmanager-storage.max-state-size",
  });
}

import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, enumType } from "./option-types.ts";
import { locationType } from "./path-type.ts";

/** Who owns the checkpoint that a job starts from, and may remove its files. @public */
export type RecoveryClaimMode = "NO_CLAIM" | "CLAIM" | "LEGACY";

/** The option `execution.state-recovery.path`. @public */
export const STATE_RECOVERY_PATH: ConfigOption<string | undefined> = option({
  key: "execution.state-recovery.path",
  type: locationType,
  legacyKeys: ["execution.savepoint.path"],
  description: "The savepoint or checkpoint that the job starts from; the same as `-s` on the command line.",
});

/** The option `execution.state-recovery.claim-mode`. @public */
export const STATE_RECOVERY_CLAIM_MODE: ConfigOption<RecoveryClaimMode> = option({
  key: "execution.state-recovery.claim-mode",
  type: enumType<RecoveryClaimMode>(["NO_CLAIM", "CLAIM", "LEGACY"]),
  default: "NO_CLAIM",
  legacyKeys: ["execution.savepoint-restore-mode"],
  unsupportedValues: ["LEGACY"],
  unsupportedHint:
    "its files would belong to nobody: CLAIM hands them to the job, NO_CLAIM leaves them with their owner",
  description:
    "Who owns the files that the job starts from: their owner keeps them (`NO_CLAIM`), or the job takes them over and removes them when they are no longer needed (`CLAIM`).",
});

/** The option `execution.state-recovery.ignore-unclaimed-state`. @public */
export const IGNORE_UNCLAIMED_STATE: ConfigOption<boolean> = option({
  key: "execution.state-recovery.ignore-unclaimed-state",
  type: booleanType,
  default: false,
  legacyKeys: ["execution.savepoint.ignore-unclaimed-state"],
  description: "Start even if the checkpoint has state that no operator of the job claims. That state is lost.",
});

/** The option `execution.state-recovery.from-local`. @public */
export const RECOVERY_FROM_LOCAL: ConfigOption<boolean> = option({
  key: "execution.state-recovery.from-local",
  type: booleanType,
  default: false,
  legacyKeys: ["state.backend.local-recovery"],
  description:
    "Whether a restarted subtask reads its state from the copy that its TaskManager has kept, when that is there and intact, and from the checkpoint directory only otherwise. For TaskManagers that start again on the same machine to find their copies, each needs a `taskmanager.resource-id`.",
});

/** @internal */
export const recoveryOptions: OptionGroup = {
  title: "State recovery",
  options: [STATE_RECOVERY_PATH, STATE_RECOVERY_CLAIM_MODE, IGNORE_UNCLAIMED_STATE, RECOVERY_FROM_LOCAL],
};

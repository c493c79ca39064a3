import { checkpointingOptions } from "./checkpointing-options.ts";
import { clusterOptions } from "./cluster-options.ts";
import { executionOptions } from "./execution-options.ts";
import { fileSystemOptions } from "./file-system-options.ts";
import type { OptionGroup } from "./option.ts";
import { pipelineOptions } from "./pipeline-options.ts";
import { recoveryOptions } from "./recovery-options.ts";
import { restOptions } from "./rest-options.ts";
import { restartOptions } from "./restart-options.ts";
import { sourceOptions } from "./source-options.ts";
import { stateOptions } from "./state-options.ts";
import { taskmanagerOptions } from "./taskmanager-options.ts";

/** Every option there is, in the order of the reference. A key that is not here is refused. @internal */
export const allOptions: readonly OptionGroup[] = [
  executionOptions,
  pipelineOptions,
  checkpointingOptions,
  recoveryOptions,
  restartOptions,
  stateOptions,
  fileSystemOptions,
  sourceOptions,
  taskmanagerOptions,
  clusterOptions,
  restOptions,
];

/** Whether a setting's value is shown to nobody, by its key or an older one. @internal */
export function isSecretKey(key: string): boolean {
  return allOptions.some(({ options }) =>
    options.some((option) => option.isSecret && (option.key === key || option.legacyKeys.includes(key))),
  );
}

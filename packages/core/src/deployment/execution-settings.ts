/** What a job runs with, as far as somebody asks for it: plain data, with the defaults filled in. */
import type { CoordinatorConfig } from "../checkpoint/coordinator.ts";
import { isUnaligned } from "../config/alignment.ts";
import {
  ALIGNED_CHECKPOINT_TIMEOUT,
  CHECKPOINTING_MODE,
  CHECKPOINTS_DIRECTORY,
  type CheckpointingMode,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  type ExternalizedCheckpointRetention,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { DEFAULT_PARALLELISM, OBJECT_REUSE } from "../config/pipeline-options.ts";
import { type RestartStrategyConfig, restartStrategyOf } from "../config/restart-strategy.ts";
import { STATE_BACKEND_TYPE } from "../config/state-options.ts";
import { coordinatorConfigOf } from "./job-settings.ts";

/** @internal */
export interface ExecutionSettings {
  readonly parallelism: number;
  readonly isObjectReused: boolean;
  readonly restartStrategy: RestartStrategyConfig;
  readonly stateBackend: string;
  readonly checkpointing: CoordinatorConfig & {
    readonly mode: CheckpointingMode;
    readonly isUnaligned: boolean;
    /** How long an unaligned checkpoint waits for barriers before it goes on without them. */
    readonly alignedTimeoutMs: number;
    readonly retention: ExternalizedCheckpointRetention;
    /** Undefined: they are in the memory of the JobManager. */
    readonly directory: string | undefined;
  };
}

export function executionSettingsOf(configuration: Configuration): ExecutionSettings {
  return {
    parallelism: configuration.get(DEFAULT_PARALLELISM),
    isObjectReused: configuration.get(OBJECT_REUSE),
    restartStrategy: restartStrategyOf(configuration),
    stateBackend: configuration.get(STATE_BACKEND_TYPE),
    checkpointing: {
      ...coordinatorConfigOf(configuration),
      mode: configuration.get(CHECKPOINTING_MODE),
      isUnaligned: isUnaligned(configuration),
      alignedTimeoutMs: configuration.get(ALIGNED_CHECKPOINT_TIMEOUT),
      retention: configuration.get(EXTERNALIZED_CHECKPOINT_RETENTION),
      directory: configuration.get(CHECKPOINTS_DIRECTORY),
    },
  };
}

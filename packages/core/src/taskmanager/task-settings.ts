import type { CachedFile } from "../config/cached-files.ts";
import {
  CHECKPOINTING_MODE,
  type CheckpointingMode,
  INCREMENTAL_CHECKPOINTS,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { BUFFER_TIMEOUT, BUFFER_TIMEOUT_ENABLED } from "../config/execution-options.ts";
import { AUTO_WATERMARK_INTERVAL, CACHED_FILES } from "../config/pipeline-options.ts";
import { MAX_FUTURE_SKEW, POISON_RECORDS } from "../config/source-options.ts";
import {
  OBJECT_CACHE_ENTRIES,
  ROCKSDB_LOCAL_DIRECTORY,
  STATE_BACKEND_TYPE,
  type StateBackendType,
} from "../config/state-options.ts";
import { OBJECT_CACHE_SIZE } from "../config/store-memory-options.ts";
import { CANCELLATION_TIMEOUT } from "../config/taskmanager-options.ts";
import type { PoisonPolicy } from "../operators/source-operator.ts";
import type { StoreMemory } from "../platform/stores.ts";
import { storeMemoryOf } from "./store-memory.ts";

/** What tasks need of a job's configuration. */
export interface TaskSettings {
  readonly checkpointingMode: CheckpointingMode;
  readonly poisonPolicy: PoisonPolicy;
  readonly futureSkewMaxMs: number;
  readonly watermarkIntervalMs: number;
  /** Infinity: buffers leave only when they are full. */
  readonly bufferTimeoutMs: number;
  /** How long closing may take when an attempt is cancelled. */
  readonly cancellationTimeoutMs: number;
  readonly cachedFiles: readonly CachedFile[];
  readonly stateBackend: StateBackendType;
  /** Undefined: where the system has temporary files. */
  readonly localDirectory: string | undefined;
  readonly objectCacheEntriesMax: number;
  readonly objectCacheBytesMax: number;
  readonly storeMemory: StoreMemory;
  readonly isIncremental: boolean;
}

/** @throws MillraceError `MR_CONFIG_INVALID` */
export function taskSettingsOf(configuration: Configuration): TaskSettings {
  return {
    checkpointingMode: configuration.get(CHECKPOINTING_MODE),
    poisonPolicy: configuration.get(POISON_RECORDS),
    futureSkewMaxMs: configuration.get(MAX_FUTURE_SKEW),
    watermarkIntervalMs: configuration.get(AUTO_WATERMARK_INTERVAL),
    bufferTimeoutMs: configuration.get(BUFFER_TIMEOUT_ENABLED)
      ? configuration.get(BUFFER_TIMEOUT)
      : Number.POSITIVE_INFINITY,
    cancellationTimeoutMs: configuration.get(CANCELLATION_TIMEOUT),
    cachedFiles: configuration.get(CACHED_FILES),
    stateBackend: configuration.get(STATE_BACKEND_TYPE),
    localDirectory: configuration.get(ROCKSDB_LOCAL_DIRECTORY),
    objectCacheEntriesMax: configuration.get(OBJECT_CACHE_ENTRIES),
    objectCacheBytesMax: configuration.get(OBJECT_CACHE_SIZE),
    storeMemory: storeMemoryOf(configuration),
    isIncremental: configuration.get(INCREMENTAL_CHECKPOINTS),
  };
}

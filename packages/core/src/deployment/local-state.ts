/** What one process has of a job on its machine's disk, besides the stores of running subtasks. */
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { LOCAL_BACKUP_DIRECTORIES, LOCAL_BACKUP_ENABLED } from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { RECOVERY_FROM_LOCAL } from "../config/recovery-options.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { Platform } from "../platform/platform.ts";
import { processDirectoryOf } from "../state/local-directory.ts";
import { LocalStateCopies } from "../taskmanager/local-state-copies.ts";
import { localRootOf, sweepLocalState } from "../taskmanager/subtask-state.ts";
import { type TaskSettings, taskSettingsOf } from "../taskmanager/task-settings.ts";
import { type StoreDownloads, storeDownloadsOf } from "./store-downloads.ts";

/** Where copies of state are, by the configuration of the process that keeps them. */
export function copyRootsOf(platform: Platform, configuration: Configuration): readonly string[] {
  const given = configuration.get(LOCAL_BACKUP_DIRECTORIES) ?? [];
  return given.length > 0
    ? given.map((directory) => platform.fs.resolve(directory))
    : [localRootOf(platform, taskSettingsOf(configuration))];
}

/** Whether a process keeps copies of the state that it writes. */
export function keepsCopies(configuration: Configuration): boolean {
  return configuration.get(LOCAL_BACKUP_ENABLED) ?? configuration.get(RECOVERY_FROM_LOCAL);
}

export interface LocalStateOptions {
  readonly jobId: string;
  readonly files: FileSystems;
  readonly platform: Platform;
  /** Of the job. */
  readonly configuration: Configuration;
  /** Gets how much state has come from where. */
  readonly metrics: MetricGroup;
  /** Those that the process has of the job, also before the job began here; undefined: it has none yet, and they end with the job. */
  readonly copies: LocalStateCopies | undefined;
  readonly onWarning: (text: string) => void;
}

export class LocalState {
  /** What subtasks keep their second copies in; undefined when they make none. */
  readonly copies: LocalStateCopies | undefined;
  readonly stores: StoreDownloads;
  readonly #options: LocalStateOptions;
  readonly #settings: TaskSettings;
  #prepared: Promise<void> | undefined;

  constructor(options: LocalStateOptions) {
    const { jobId, files, platform, configuration, metrics, onWarning } = options;
    this.#options = options;
    this.#settings = taskSettingsOf(configuration);
    this.copies = keepsCopies(configuration)
      ? (options.copies ?? ownCopiesOf(platform, configuration, jobId, onWarning))
      : undefined;
    const readCopies = configuration.get(RECOVERY_FROM_LOCAL) ? this.copies : undefined;
    this.stores = storeDownloadsOf(files, platform, this.#settings, jobId, readCopies);
    const restored = metrics.addGroup("RestoredStateSizeBytes");
    restored.gauge("LOCAL_DISK", () => this.stores.localBytes);
    restored.gauge("REMOTE", () => this.stores.downloadedBytes);
  }

  /** Removes, once, what processes of this machine that were killed have left behind. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#sweep();
    return this.#prepared;
  }

  /** Removes what is the job's here; copies that the process has had before are its own. */
  async close(): Promise<void> {
    await this.stores.close();
    if (this.#options.copies === undefined) await this.copies?.discard();
    else await this.copies?.settled();
  }

  async #sweep(): Promise<void> {
    const { platform, configuration } = this.#options;
    const roots = new Set<string>();
    if (this.#settings.stateBackend === "rocksdb") roots.add(localRootOf(platform, this.#settings));
    if (this.copies !== undefined && this.#options.copies === undefined)
      for (const root of copyRootsOf(platform, configuration)) roots.add(root);
    await sweepLocalState(platform, roots);
  }
}

/** A process that has one job. */
function ownCopiesOf(
  platform: Platform,
  configuration: Configuration,
  jobId: string,
  onWarning: (text: string) => void,
): LocalStateCopies {
  const directories = copyRootsOf(platform, configuration).map((root) =>
    processDirectoryOf(platform, root, `${jobId}-copies`),
  );
  return new LocalStateCopies({ fs: platform.fs, directories, onWarning });
}

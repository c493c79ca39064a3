/** The files that several checkpoints of a job refer to: asks the registry what is not needed any more, and removes it. */
import type { JobSnapshotStorage } from "../../checkpoint/checkpoint-storage.ts";
import { SharedStateRegistry } from "../../checkpoint/shared-state-registry.ts";
import { handlesOf, sharedFilesOf, sharedNameOf, sharedNamesIn, stateSizeOf } from "../../checkpoint/snapshot-files.ts";
import type { CheckpointMetadata, OperatorSubtaskState } from "../../checkpoint/state-handles.ts";

export interface SharedCheckpointFilesOptions {
  readonly storage: JobSnapshotStorage;
  /** Lets something be removed while the job goes on. */
  readonly inBackground: (what: string, removed: Promise<void>) => void;
}

export class SharedCheckpointFiles {
  readonly #options: SharedCheckpointFilesOptions;
  readonly #registry = new SharedStateRegistry();
  #isAbandoned = false;

  constructor(options: SharedCheckpointFilesOptions) {
    this.#options = options;
  }

  /** A completed checkpoint in the job's own directory that an earlier process has taken. */
  register(metadata: CheckpointMetadata): void {
    this.#registry.register(metadata.checkpointId, sharedFilesOf(metadata));
  }

  isRegistered(checkpointId: number): boolean {
    return this.#registry.isRegistered(checkpointId);
  }

  trigger(checkpointId: number, isSavepoint: boolean): void {
    const baseId = this.#registry.trigger(checkpointId, isSavepoint);
    if (baseId !== undefined) this.#options.storage.assignBase(checkpointId, baseId);
  }

  /** Returns how many bytes of a task's part are in files that the base had already. */
  acknowledge(checkpointId: number, states: readonly OperatorSubtaskState[]): number {
    const names = sharedNamesIn(states);
    if (names.length === 0) return 0;
    this.#remove(checkpointId, this.#registry.acknowledge(checkpointId, names));
    const reused = states.flatMap(handlesOf).filter((handle) => {
      const name = sharedNameOf(handle);
      return name !== undefined && this.#registry.isReused(checkpointId, name);
    });
    return reused.reduce((sum, handle) => sum + stateSizeOf(handle), 0);
  }

  complete(metadata: CheckpointMetadata): void {
    const { checkpointId } = metadata;
    this.#remove(checkpointId, this.#registry.complete(checkpointId, sharedFilesOf(metadata)));
  }

  /** The checkpoint was given up, and its metadata is gone (J3). */
  abort(checkpointId: number): Promise<void> {
    return this.#options.storage.removeShared(checkpointId, this.#registry.abort(checkpointId));
  }

  /** A completed one is gone with its metadata (J3). One that is not the job's own has no files here. */
  release(checkpointId: number): Promise<void> {
    return this.#options.storage.removeShared(checkpointId, this.#registry.release(checkpointId));
  }

  /** Removes what attempts that have failed were writing (S3). No checkpoint is pending when an attempt begins. */
  sweep(): void {
    const registry = this.#registry;
    if (!registry.hasNamed || registry.hasPending) return;
    const { triggeredCount } = registry;
    const mayGoOn = (): boolean => registry.triggeredCount === triggeredCount && !this.#isAbandoned;
    const swept = this.#options.storage.sweepShared((name) => registry.isHeld(name), mayGoOn);
    this.#options.inBackground("files that no checkpoint refers to", swept);
  }

  /** Another process has the job from now on. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  #remove(checkpointId: number, names: readonly string[]): void {
    if (names.length === 0 || this.#isAbandoned) return;
    const removed = this.#options.storage.removeShared(checkpointId, names);
    this.#options.inBackground(`files of checkpoint ${checkpointId}`, removed);
  }
}

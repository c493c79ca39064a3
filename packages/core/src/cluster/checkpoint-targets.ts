/** Where the state of a job's checkpoints goes from one TaskManager: as the JobManager says with each trigger. */
import type { CheckpointLocation, StateWriter } from "../checkpoint/checkpoint-storage.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { removeSharedFiles } from "../checkpoint/shared-files.ts";
import { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { StateHandle } from "../checkpoint/state-handles.ts";
import { checkStateSize, type StateLimits } from "../checkpoint/state-limits.ts";
import { type StateSource, wholeOf } from "../checkpoint/state-source.ts";
import { abortedError } from "../checkpoint/storage-errors.ts";
import type { Random } from "../platform/platform.ts";

/** Targets that are remembered: more than are ever pending. */
const TARGETS_MAX = 256;

export interface CheckpointTargetsOptions {
  readonly files: FileSystems;
  readonly random: Random;
  /** Of what goes to a directory. */
  readonly limits: StateLimits;
  /** Of what has to come with the acknowledgement. */
  readonly inlineBytesMax: number;
}

/** Undefined: state comes with the acknowledgement. */
type Target = { readonly location: CheckpointLocation; readonly directory: SnapshotDirectory } | undefined;

interface Waiting {
  readonly target: Promise<Target>;
  resolve(target: Target): void;
  reject(error: Error): void;
}

export class CheckpointTargets implements StateWriter {
  readonly #options: CheckpointTargetsOptions;
  readonly #targets = new Map<number, Target>();
  /** By checkpoints whose barrier has overtaken the trigger: another way, other machines. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(options: CheckpointTargetsOptions) {
    this.#options = options;
  }

  note(checkpointId: number, location: CheckpointLocation | undefined): void {
    const { files: fs, random, limits } = this.#options;
    const target =
      location === undefined
        ? undefined
        : {
            location,
            directory: new SnapshotDirectory({
              fs,
              random,
              path: location.directory,
              sharedPath: location.sharedDirectory,
              limits,
              setting: "execution.checkpointing.dir",
              isPrepared: true,
            }),
          };
    this.#targets.set(checkpointId, target);
    this.#waiting.get(checkpointId)?.resolve(target);
    this.#waiting.delete(checkpointId);
    for (const oldest of this.#targets.keys()) {
      if (this.#targets.size <= TARGETS_MAX) return;
      this.#targets.delete(oldest);
    }
  }

  /** Nobody waits for a trigger any more: of a checkpoint that was given up, or of all when tasks are cancelled. */
  giveUp(checkpointId?: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (checkpointId !== undefined && checkpointId !== id) continue;
      this.#waiting.delete(id);
      waiting.reject(abortedError(id));
    }
  }

  async write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    const target = this.#targets.get(checkpointId);
    if (target !== undefined) return target.directory.write(checkpointId, bytes);
    checkStateSize(bytes.length, this.#options.inlineBytesMax);
    return { kind: "inline", bytes };
  }

  async writeFile(checkpointId: number, source: StateSource, isShared: boolean): Promise<StateHandle> {
    const target = await this.#targetOf(checkpointId);
    if (target !== undefined) return target.directory.writeFile(checkpointId, source, isShared);
    checkStateSize(source.sizeBytes, this.#options.inlineBytesMax);
    return { kind: "inline", bytes: await wholeOf(source) };
  }

  async baseOf(checkpointId: number): Promise<number | undefined> {
    return (await this.#targetOf(checkpointId))?.location.baseId;
  }

  async removeShared(checkpointId: number, names: readonly string[]): Promise<void> {
    const { files } = this.#options;
    const sharedDirectory = this.#targets.get(checkpointId)?.location.sharedDirectory;
    if (sharedDirectory !== undefined) await removeSharedFiles(files, files.resolve(sharedDirectory, ".."), names);
  }

  /** Files may be large: they wait for the trigger, which says where they belong. */
  async #targetOf(checkpointId: number): Promise<Target> {
    if (this.#targets.has(checkpointId)) return this.#targets.get(checkpointId);
    const known = this.#waiting.get(checkpointId);
    if (known !== undefined) return known.target;
    let settle: Omit<Waiting, "target"> | undefined;
    const target = new Promise<Target>((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#waiting.set(checkpointId, { target, ...settle! });
    return target;
  }
}

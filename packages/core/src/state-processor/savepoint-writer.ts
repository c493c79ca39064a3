import { MillraceError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { readState } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems, type FileSystemsPlatform } from "../checkpoint/file-systems.ts";
import { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type {
  CheckpointMetadata,
  OperatorStateMetadata,
  OperatorSubtaskState,
  StateHandle,
  StoreFileHandle,
  StoreHandle,
} from "../checkpoint/state-handles.ts";
import { storageError } from "../checkpoint/storage-errors.ts";
import { DATA_INLINE_THRESHOLD } from "../config/checkpointing-options.ts";
import { Configuration } from "../config/configuration.ts";
import { createNodePlatform } from "../platform/node-platform.ts";
import { writeOperatorState } from "./operator-state-files.ts";
import { checkMaxParallelism, refused, type StateBootstrapTransformation } from "./operator-transformation.ts";
import { StateSnapshot } from "./state-snapshot.ts";

/** A job that starts from a new savepoint numbers its checkpoints from here on. */
const FIRST_CHECKPOINT_ID = 1;

/** An operator of the snapshot that the writer began with, under the uid that it is to have. */
interface KeptOperator {
  readonly uid: string;
  readonly metadata: OperatorStateMetadata;
}

/**
 * Writes savepoints with a program of one's own: from nothing, or from a savepoint some of whose operators are left out, named
 * anew or made anew. A job is then started from it with `-s`.
 *
 * @example
 * const old = await SavepointReader.read("savepoints/savepoint-5a1fe0-0c2b3d495867");
 * const writer = await SavepointWriter.fromExistingSavepoint("savepoints/savepoint-5a1fe0-0c2b3d495867");
 * await writer
 *   .removeOperator("totals")
 *   .withOperator(
 *     "totals",
 *     OperatorTransformation.bootstrapWith(old.readKeyedState("totals", new Totals()))
 *       .keyBy(({ key }) => key)
 *       .transform(new CentsOf()),
 *   )
 *   .changeOperatorIdentifier("old-counts", "counts")
 *   .write("savepoints/in-cents");
 * @public
 */
export class SavepointWriter {
  readonly #platform: FileSystemsPlatform;
  readonly #files: FileSystems;
  readonly #existing: StateSnapshot | undefined;
  readonly #maxParallelism: number;
  #kept: readonly KeptOperator[];
  /** Of sources: what their enumerators keep. */
  #coordinators: CheckpointMetadata["coordinators"];
  readonly #made = new Map<string, StateBootstrapTransformation>();

  private constructor(
    platform: FileSystemsPlatform,
    files: FileSystems,
    existing: StateSnapshot | undefined,
    maxParallelism: number,
  ) {
    this.#platform = platform;
    this.#files = files;
    this.#existing = existing;
    this.#maxParallelism = maxParallelism;
    this.#kept = existing?.metadata.operators.map((metadata) => ({ uid: metadata.uid, metadata })) ?? [];
    this.#coordinators = existing?.metadata.coordinators ?? [];
  }

  /**
   * Begins a savepoint without operators.
   *
   * @param maxParallelism - The key groups of its operators, from 1 to 32768: the highest parallelism that the job will have.
   * @param configuration - How the file systems of URIs are reached, such as `s3.endpoint`.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   */
  static newSavepoint(maxParallelism: number, configuration?: Configuration): SavepointWriter {
    return SavepointWriter.newSavepointOn(createNodePlatform(), maxParallelism, configuration);
  }

  /**
   * Begins with the operators of a savepoint, or of an aligned checkpoint. It stays as it is: what is kept of it is copied.
   *
   * @param path - As of `SavepointReader.read`.
   * @param configuration - How the file systems of URIs are reached, such as `s3.endpoint`.
   * @throws MillraceError `MR_SAVEPOINT_IN_FLIGHT_RECORDS` for a checkpoint with records on their way between operators; what
   *   reading a snapshot throws
   */
  static fromExistingSavepoint(path: string, configuration?: Configuration): Promise<SavepointWriter> {
    return SavepointWriter.fromExistingSavepointOn(createNodePlatform(), path, configuration);
  }

  /** @internal */
  static newSavepointOn(
    platform: FileSystemsPlatform,
    maxParallelism: number,
    configuration: Configuration = new Configuration(),
  ): SavepointWriter {
    checkMaxParallelism("newSavepoint", maxParallelism);
    return new SavepointWriter(platform, FileSystems.of(platform, configuration), undefined, maxParallelism);
  }

  /** @internal */
  static async fromExistingSavepointOn(
    platform: FileSystemsPlatform,
    path: string,
    configuration: Configuration = new Configuration(),
  ): Promise<SavepointWriter> {
    const files = FileSystems.of(platform, configuration);
    const existing = await StateSnapshot.open(files, path);
    const { operators } = existing.metadata;
    if (operators.some(({ subtasks }) => subtasks.some(({ channels }) => channels !== undefined))) {
      throw inFlightRecords(existing.directory);
    }
    const maxParallelism = operators.reduce((most, operator) => Math.max(most, operator.maxParallelism), 1);
    return new SavepointWriter(platform, files, existing, maxParallelism);
  }

  /**
   * Adds an operator.
   *
   * @param uid - As the job gives it with `uid()`.
   * @throws MillraceError `MR_SAVEPOINT_OPERATOR_EXISTS`
   */
  withOperator(uid: string, transformation: StateBootstrapTransformation): this {
    this.#checkFree(uid);
    this.#made.set(uid, transformation);
    return this;
  }

  /** Leaves an operator out. @throws MillraceError `MR_STATE_OPERATOR_NOT_FOUND` */
  removeOperator(uid: string): this {
    if (this.#made.delete(uid)) return this;
    const removed = this.#keptOperator(uid);
    this.#kept = this.#kept.filter((operator) => operator !== removed);
    this.#coordinators = this.#coordinators.filter((coordinator) => coordinator.uid !== removed.uid);
    return this;
  }

  /** Gives an operator of the existing savepoint another uid. @throws MillraceError `MR_STATE_OPERATOR_NOT_FOUND`, `MR_SAVEPOINT_OPERATOR_EXISTS` */
  changeOperatorIdentifier(from: string, to: string): this {
    const changed = this.#keptOperator(from);
    this.#checkFree(to);
    this.#kept = this.#kept.map((operator) => (operator === changed ? { ...operator, uid: to } : operator));
    this.#coordinators = this.#coordinators.map((each) => (each.uid === changed.uid ? { ...each, uid: to } : each));
    return this;
  }

  /**
   * Writes the savepoint. It is there as a whole or not at all, also after a crash.
   *
   * @param path - Its directory, which is made; an empty one may be there already.
   * @returns The absolute path of the directory.
   * @throws MillraceError `MR_SAVEPOINT_DIRECTORY_NOT_EMPTY`, `MR_DISK_FULL`, `MR_CHECKPOINT_STORAGE_FAILED`,
   *   `MR_ARGUMENT_INVALID` without any operator, and what the functions and elements throw
   */
  async write(path: string): Promise<string> {
    if (this.#kept.length + this.#made.size === 0) {
      throw refused("write", "no operator", "a savepoint with at least one operator: call withOperator before");
    }
    const directory = await this.#directoryAt(path);
    const id = this.#existing?.metadata.checkpointId ?? FIRST_CHECKPOINT_ID;
    try {
      await directory.prepare(id);
      return await directory.storeMetadata(await this.#writeState(directory, id));
    } catch (error) {
      await directory.discard();
      throw error;
    }
  }

  async #writeState(directory: SnapshotDirectory, checkpointId: number): Promise<CheckpointMetadata> {
    const copy = async (handle: StateHandle): Promise<StateHandle> =>
      directory.write(checkpointId, await readState(this.#files, this.#existing!.directory, handle));
    const operators: OperatorStateMetadata[] = [];
    for (const { uid, metadata } of this.#kept) {
      const subtasks: OperatorSubtaskState[] = [];
      for (const { keyed, lists, ...subtask } of metadata.subtasks) {
        const keyedCopy = keyed?.kind === "store" ? await copyStore(keyed, copy) : keyed && (await copy(keyed));
        subtasks.push({ ...subtask, uid, keyed: keyedCopy, lists: await copy(lists) });
      }
      operators.push({ ...metadata, uid, subtasks });
    }
    for (const [uid, transformation] of this.#made) {
      const maxParallelism = transformation.maxParallelism ?? this.#maxParallelism;
      const target = { uid, operatorName: uid, clock: this.#platform.clock, maxParallelism, checkpointId };
      const made = await transformation.make(target);
      operators.push(await writeOperatorState(directory, checkpointId, { uid, name: uid, maxParallelism }, made));
    }
    const coordinators = [];
    for (const { uid, handle } of this.#coordinators) coordinators.push({ uid, handle: await copy(handle) });
    const { random, clock } = this.#platform;
    const { jobId, jobName, graphHash, savepoint } = this.#existing?.metadata ?? {
      jobId: toHex(random.bytes(16)),
      jobName: "state-processor",
      graphHash: "",
      savepoint: undefined,
    };
    const isDrained = savepoint?.isDrained ?? false;
    return {
      jobId,
      jobName,
      checkpointId,
      timestampMs: clock.wallMs(),
      graphHash,
      savepoint: { format: hasStores(operators) ? "NATIVE" : "CANONICAL", isDrained },
      operators,
      coordinators,
    };
  }

  async #directoryAt(given: string): Promise<SnapshotDirectory> {
    const { random } = this.#platform;
    const fs = this.#files;
    const path = fs.resolve(given);
    const setting = "execution.checkpointing.savepoint-dir";
    const limits = { inlineBelowBytes: DATA_INLINE_THRESHOLD.default, stateBytesMax: Number.POSITIVE_INFINITY };
    try {
      const stat = await fs.stat(path);
      if (stat?.kind === "file") throw notEmpty(path, "a file");
      const names = stat === undefined ? [] : await fs.list(path);
      if (names.length > 0) throw notEmpty(path, `a directory with ${names.length} entries`);
      await fs.makeDirectory(path);
    } catch (error) {
      throw storageError(error, path, setting);
    }
    return new SnapshotDirectory({ fs, random, path, limits, setting });
  }

  #keptOperator(uid: string): KeptOperator {
    const found = this.#kept.find((operator) => operator.uid === uid);
    if (found !== undefined) return found;
    const names = [...this.#kept.map((operator) => operator.uid), ...this.#made.keys()];
    throw new MillraceError("MR_STATE_OPERATOR_NOT_FOUND", {
      what: "The savepoint has no such operator",
      where: { operator: uid, ...(this.#existing === undefined ? {} : { path: this.#existing.directory }) },
      found: names.length === 0 ? "no operator" : names.join(", "),
      expected: "the uid of an operator of the existing savepoint",
      todo: "Take one of these uids",
    });
  }

  #checkFree(uid: string): void {
    if (typeof uid !== "string" || uid === "") throw refused("withOperator", JSON.stringify(uid) ?? "nothing", "a uid");
    if (!this.#made.has(uid) && !this.#kept.some((operator) => operator.uid === uid)) return;
    throw new MillraceError("MR_SAVEPOINT_OPERATOR_EXISTS", {
      what: "The savepoint already has an operator of this uid",
      where: { uid },
      expected: "a uid that no operator of the savepoint has",
      todo: `Call removeOperator(${JSON.stringify(uid)}) before, or take another uid`,
    });
  }
}

function notEmpty(directory: string, found: string): MillraceError {
  return new MillraceError("MR_SAVEPOINT_DIRECTORY_NOT_EMPTY", {
    what: "A savepoint is to be written where something else is",
    where: { directory },
    found,
    expected: "a directory that does not exist, or an empty one",
    todo: "Give the savepoint a directory of its own",
  });
}

function inFlightRecords(directory: string): MillraceError {
  return new MillraceError("MR_SAVEPOINT_IN_FLIGHT_RECORDS", {
    what: "The checkpoint holds records on their way between operators, which belong to the job that wrote it",
    where: { directory },
    found: "an unaligned checkpoint",
    expected: "a savepoint, or an aligned checkpoint",
    todo: "Take a savepoint of the job: it never holds such records",
  });
}

/** File by file, into the savepoint's own directory. */
async function copyStore(
  { header, files, ...store }: StoreHandle,
  copy: (handle: StateHandle) => Promise<StateHandle>,
): Promise<StoreHandle> {
  const copies: StoreFileHandle[] = [];
  for (const { handle, ...file } of files) copies.push({ ...file, handle: await copy(handle) });
  return { ...store, header: await copy(header), files: copies };
}

function hasStores(operators: readonly OperatorStateMetadata[]): boolean {
  return operators.some(({ subtasks }) => subtasks.some(({ keyed }) => keyed?.kind === "store"));
}

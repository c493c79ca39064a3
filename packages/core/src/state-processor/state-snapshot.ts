/**
 * A checkpoint or savepoint that is read without its job. Schemas are in it, so that values need no types.
 *
 * - P1. Keyed state is read key group by key group: no more than one of them is in memory, whatever the size of the file.
 * - P2. Operator state, which every subtask holds in memory anyway, is read subtask by subtask.
 * - P3. No state is used that was not verified.
 */
import { MillraceError } from "../base/errors.ts";
import { type LoadedCheckpoint, loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import type { CheckpointMetadata, OperatorStateMetadata } from "../checkpoint/state-handles.ts";
import type { Configuration } from "../config/configuration.ts";
import { OperatorSnapshot, type SnapshotSources } from "./operator-snapshot.ts";
import { type SnapshotPlatform, StoreExports } from "./store-export.ts";

/** Names that a message lists. */
const SHOWN_MAX = 20;

/** @internal */
export class StateSnapshot {
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
  readonly #sources: SnapshotSources;

  private constructor(sources: SnapshotSources, { directory, metadata }: LoadedCheckpoint) {
    this.#sources = sources;
    this.directory = directory;
    this.metadata = metadata;
  }

  /**
   * As {@link StateSnapshot.open}, with what is in stores of its state backend.
   *
   * @param configuration - How file systems are reached, and where this machine has local state.
   */
  static async on(platform: SnapshotPlatform, configuration: Configuration, path: string): Promise<StateSnapshot> {
    const files = FileSystems.of(platform, configuration);
    const stores = new StoreExports(platform, files, configuration);
    return new StateSnapshot({ files, stores }, await loadCheckpoint(files, path));
  }

  /**
   * @param path - Its directory, its `_metadata` file, or a job's directory: then the newest completed checkpoint in it.
   * @throws MillraceError as `loadCheckpoint`
   */
  static async open(fs: FileSystems, path: string): Promise<StateSnapshot> {
    return new StateSnapshot({ files: fs, stores: undefined }, await loadCheckpoint(fs, path));
  }

  /** All operators, in the order of the job. */
  get operators(): readonly OperatorSnapshot[] {
    return this.metadata.operators.map((operator) => this.#snapshotOf(operator));
  }

  /** @param name - A uid, or a name that only one operator has. @throws MillraceError `MR_STATE_OPERATOR_NOT_FOUND` */
  operator(name: string): OperatorSnapshot {
    const { operators } = this.metadata;
    const found = operators.filter(({ uid }) => uid === name);
    if (found.length === 0) found.push(...operators.filter((operator) => operator.name === name));
    if (found.length === 1) return this.#snapshotOf(found[0]!);
    const candidates = found.length === 0 ? operators : found;
    throw new MillraceError("MR_STATE_OPERATOR_NOT_FOUND", {
      what:
        found.length === 0 ? "The snapshot has no such operator" : "Several operators of the snapshot have this name",
      where: { operator: name, path: this.directory },
      found: listed(candidates.map((each) => (each.uid === each.name ? each.uid : `${each.uid} (${each.name})`))),
      expected: "the uid of an operator, or its name",
      todo: `Take one of these uids; millrace state ls ${this.directory} shows what they have`,
    });
  }

  #snapshotOf(metadata: OperatorStateMetadata): OperatorSnapshot {
    const enumerator = this.metadata.coordinators.find(({ uid }) => uid === metadata.uid);
    return new OperatorSnapshot(this.#sources, this.directory, metadata, enumerator?.handle);
  }
}

/** Some names for a message. @internal */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length - SHOWN_MAX;
  return `${names.slice(0, SHOWN_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * A checkpoint or savepoint that is read without its job. Schemas are in it, so that values need no types.
 *
 * - P1. Keyed state is read key group by key group: no more than one of them is in memory, whatever the size of the file.
 * - P2. Operator state, which every subtask holds in memory anyway, is read subtask by subtask.
 * - P3. No state is used that was not verified.
 */
import { MillraceError } from "../base/errors.ts";
import { type LoadedCheckpoint, loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import type { CheckpointMetadata, OperatorStateMetadata } from "../checkpoint/state-handles.ts";
import { OperatorSnapshot } from "./operator-snapshot.ts";

/** Names that a message lists. */
const SHOWN_MAX = 20;

/** @internal */
export class StateSnapshot {
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
  readonly #fs: FileSystems;

  private constructor(fs: FileSystems, { directory, metadata }: LoadedCheckpoint) {
    this.#fs = fs;
    this.directory = directory;
    this.metadata = metadata;
  }

  /**
   * @param path - Its directory, its `_metadata` file, or a job's directory: then the newest completed checkpoint in it.
   * @throws MillraceError as `loadCheckpoint`
   */
  static async open(fs: FileSystems, path: string): Promise<StateSnapshot> {
    return new StateSnapshot(fs, await loadCheckpoint(fs, path));
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
    return new OperatorSnapshot(this.#fs, this.directory, metadata, enumerator?.handle);
  }
}

/** Some names for a message. @internal */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length - SHOWN_MAX;
  return `${names.slice(0, SHOWN_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

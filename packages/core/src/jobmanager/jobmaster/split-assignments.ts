/**
 * Which splits the readers of one source were given since which checkpoint, so that they can be given back when a reader goes
 * back to one.
 *
 * - A1. The enumerator's state of checkpoint n is taken and n is triggered in one turn, and assignments travel in order with
 *   triggers: what was assigned before is in the reader's state of n, or read to its end by then; what was assigned later
 *   is in no state of n.
 * - A2. A split is given back once: who goes back again has been given it again, or has it in what it restores.
 */
import type { SourceSplit } from "../../connectors/source.ts";

interface Assigned<SplitT> {
  readonly split: SplitT;
  readonly subtaskIndex: number;
  /** The first checkpoint after it, in which it is; undefined as long as there is none. */
  firstCheckpointId: number | undefined;
}

export class SplitAssignments<SplitT extends SourceSplit> {
  /** In the order in which they were made. */
  #assigned: Assigned<SplitT>[] = [];

  /** How many are remembered: those that no completed checkpoint has. */
  get size(): number {
    return this.#assigned.length;
  }

  onAssigned(split: SplitT, subtaskIndex: number): void {
    this.#assigned.push({ split, subtaskIndex, firstCheckpointId: undefined });
  }

  /** The enumerator's state of the checkpoint has been taken. */
  onSnapshot(checkpointId: number): void {
    for (const each of this.#assigned) each.firstCheckpointId ??= checkpointId;
  }

  /** Nobody goes back to before this checkpoint any more. */
  onCompleted(checkpointId: number): void {
    this.#assigned = this.#assigned.filter(
      ({ firstCheckpointId = checkpointId + 1 }) => firstCheckpointId > checkpointId,
    );
  }

  /**
   * The reader goes back to the checkpoint.
   * @param checkpointId - Undefined: to the beginning.
   * @returns What it is not given by the checkpoint, in the order in which it was assigned.
   */
  takeBack(subtaskIndex: number, checkpointId: number | undefined): readonly SplitT[] {
    const own = this.#assigned.filter((each) => each.subtaskIndex === subtaskIndex);
    this.#assigned = this.#assigned.filter((each) => each.subtaskIndex !== subtaskIndex);
    return own
      .filter(
        ({ firstCheckpointId }) =>
          checkpointId === undefined || firstCheckpointId === undefined || firstCheckpointId > checkpointId,
      )
      .map(({ split }) => split);
  }
}

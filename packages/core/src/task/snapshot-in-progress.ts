/**
 * The part of a checkpoint that goes on between records: keyed state is serialized in slices, then everything is
 * handed to whoever makes it durable.
 */
import type { OperatorListState } from "../operators/operator-runtime.ts";
import type { OperatorSnapshotOfUid } from "./chain.ts";

/** Entries of keyed state that are serialized in one go, between two turns of input. */
export const SNAPSHOT_SLICE_ENTRIES = 256;

/** One operator's state in bytes. */
export interface EncodedOperatorState {
  readonly uid: string;
  readonly keyed: Uint8Array | undefined;
  readonly lists: readonly OperatorListState[];
}

export class SnapshotInProgress {
  readonly checkpointId: number;
  readonly #operators: readonly OperatorSnapshotOfUid[];
  #next = 0;

  constructor(checkpointId: number, operators: readonly OperatorSnapshotOfUid[]) {
    this.checkpointId = checkpointId;
    this.#operators = operators;
  }

  /** Serializes one slice; true when all of it is serialized. */
  step(): boolean {
    while (this.#next < this.#operators.length) {
      const keyed = this.#operators[this.#next]!.snapshot.keyed;
      if (keyed === undefined || keyed.isWritten) {
        this.#next++;
        continue;
      }
      keyed.step(SNAPSHOT_SLICE_ENTRIES);
      return false;
    }
    return true;
  }

  encode(): readonly EncodedOperatorState[] {
    return this.#operators.map(({ uid, snapshot }) => ({
      uid,
      keyed: snapshot.keyed?.encode(),
      lists: snapshot.lists,
    }));
  }

  /** What the state points to is durable. */
  async durable(): Promise<void> {
    await Promise.all(this.#operators.map(({ snapshot }) => snapshot.durable));
  }
}

/**
 * The part of a checkpoint that goes on between records: keyed state is serialized in slices, channels are captured up to
 * their barriers, then everything is handed to whoever makes it durable.
 */
import type { SubtaskCheckpointMetrics } from "../checkpoint/checkpoint-statistics.ts";
import type { EncodedChannels } from "../exchange/channel-state.ts";
import type { OperatorListState } from "../operators/operator-runtime.ts";
import type { StoreSnapshot } from "../state/store-snapshot.ts";
import type { OperatorSnapshotOfUid } from "./chain.ts";
import type { ChannelCapture } from "./channel-capture.ts";

/** Entries of keyed state that are serialized in one go, between two turns of input. */
export const SNAPSHOT_SLICE_ENTRIES = 256;

/** One operator's state in bytes. */
export interface EncodedOperatorState {
  readonly uid: string;
  /** Keyed state: on the heap as bytes, in a local store as its files. */
  readonly keyed: Uint8Array | StoreSnapshot | undefined;
  readonly lists: readonly OperatorListState[];
  /** What was on its way to the operator. */
  readonly channels: EncodedChannels | undefined;
}

/** A subtask's part of a checkpoint, whole. */
export interface SubtaskSnapshot {
  readonly operators: readonly EncodedOperatorState[];
  readonly metrics: SubtaskCheckpointMetrics;
}

export class SnapshotInProgress {
  readonly checkpointId: number;
  readonly capture: ChannelCapture;
  /** Settles when what the state points to is durable, which may be before the state is whole. */
  readonly durable: Promise<unknown>;
  readonly #operators: readonly OperatorSnapshotOfUid[];
  #next = 0;
  /** Nobody waits for it any more. */
  isDiscarded = false;

  constructor(checkpointId: number, operators: readonly OperatorSnapshotOfUid[], capture: ChannelCapture) {
    this.checkpointId = checkpointId;
    this.capture = capture;
    this.#operators = operators;
    this.durable = Promise.all(operators.map(({ snapshot }) => snapshot.durable));
  }

  /** Serializes one slice; true when all keyed state is serialized. */
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

  /** The keyed part has to be serialized to its end all the same: the table counts on it. */
  discard(): void {
    this.isDiscarded = true;
    for (const { snapshot } of this.#operators) snapshot.keyed?.discard?.();
    this.capture.close();
  }

  encode(): readonly EncodedOperatorState[] {
    const channels = this.capture.encode();
    return this.#operators.map(({ uid, snapshot }) => ({
      uid,
      keyed: snapshot.keyed?.encode(),
      lists: snapshot.lists,
      channels: channels.get(uid),
    }));
  }
}

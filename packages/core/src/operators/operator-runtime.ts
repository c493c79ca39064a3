/**
 * One operator in one running subtask, as its chain sees it. Called on the subtask's thread only.
 *
 * Life: constructed, `restore`, `open`, then records, watermarks and snapshots in any order, `finish`, `close`.
 * Records do not pass through this interface: generated code calls the operator's own methods and the user's functions.
 */
import type { Clock, Platform } from "../platform/platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import type { KeyedStateBackend } from "../state/state-backend.ts";
import type { RunningKeyedSnapshot, SnapshotFormat } from "../state/store-snapshot.ts";
import type { TimerQueue } from "../state/timer-queue.ts";
import type { Schema } from "../types/type.ts";
import type { FunctionContext } from "./function-states.ts";
import { type OperatorWaiting, WAITING_COUNTED_MAX, type WaitingForTime } from "./waiting.ts";

/** Operator state that is a list of elements; on a restore the elements are dealt out again. */
export interface OperatorListState {
  readonly name: string;
  readonly mode: "split" | "union" | "broadcast";
  /** Of the elements, when the restore has to know it; it is stored with them. */
  readonly schema?: Schema;
  /** Each element in its serializer's bytes. Asked for when `OperatorSnapshot.durable` has settled. */
  readonly elements: readonly Uint8Array[];
}

/** The synchronous part of one operator's snapshot. */
export interface OperatorSnapshot {
  readonly keyed: RunningKeyedSnapshot | undefined;
  readonly lists: readonly OperatorListState[];
  /** Settles when what the state points to is durable; the checkpoint is acknowledged only then. */
  readonly durable: Promise<void> | undefined;
}

/** What an operator gets back of its operator state, by name. */
export type RestoredLists = ReadonlyMap<string, readonly Uint8Array[]>;

export interface OperatorRuntime {
  /** The operator's keyed state, when it has any. */
  readonly table: KeyedStateTable | undefined;
  restoreLists(lists: RestoredLists): void;
  open(): void;
  /** I/O that has to be done before the first record, such as committing what a restored checkpoint holds. */
  initialize(): Promise<void> | undefined;
  /** Fires event-time timers up to `timestampMs`, which is also the operator's new watermark. */
  onWatermark(timestampMs: number): void;
  /**
   * Fires processing-time timers up to `timeMs`, a millisecond that is over: as with a watermark, no record of that time
   * comes any more.
   */
  onProcessingTime(timeMs: number): void;
  /** The end of which millisecond `onProcessingTime` waits for; Infinity for none, -Infinity to be called at once. */
  nextProcessingTimeMs(): number;
  /** All input has been seen and all timers up to the end have fired; emits what is left. Called once per job, not per attempt. */
  finish(): void;
  snapshot(checkpointId: number, format?: SnapshotFormat): OperatorSnapshot;
  /** The checkpoint is durable. The promise is awaited before the next notification; a rejection fails the subtask. */
  notifyCheckpointComplete(checkpointId: number): Promise<void> | undefined;
  /** At the end of a job that takes no checkpoints: makes everything visible. Called after `finish`. */
  commitAtEnd(): Promise<void> | undefined;
  /** Whether records that were taken in are still being worked on: the end of input waits until they are not. */
  hasPending(): boolean;
  /** Undefined while the operator can take records; otherwise settles when it can again. */
  whenAvailable(): Promise<void> | undefined;
  /** Why nothing comes out of it, as far as it knows. Called between two records, when somebody asks. */
  describeWaiting(): OperatorWaiting;
  close(): Promise<void>;
}

/** What operators get from their subtask. */
export interface OperatorHost {
  readonly context: FunctionContext;
  readonly clock: Clock;
  readonly platform: Platform;
  readonly uid: string;
  readonly operatorName: string;
  readonly maxParallelism: number;
  /** Where the keyed state of the job is kept. */
  readonly stateBackend: KeyedStateBackend;
  /** Asks the subtask's loop for a turn, after something happened outside it; `onProcessingTime` is called in it when due. */
  readonly wake: () => void;
  /** Ends the subtask: something failed outside the loop. */
  readonly fail: (error: unknown) => void;
}

/** The parts that most operators leave as they are. */
export abstract class BaseOperator implements OperatorRuntime {
  readonly host: OperatorHost;
  table: KeyedStateTable | undefined = undefined;
  currentWatermark: number = Number.MIN_SAFE_INTEGER;
  /**
   * Whether the operator keeps watermarks back until it has emitted what came before them. It then calls `passWatermark`
   * when one leaves, and sets `currentWatermark` only there.
   */
  readonly holdsWatermarks: boolean = false;
  /** Set by the chain: sends a watermark to everything below. */
  passWatermark: (timestampMs: number) => void = () => {};
  /** Whether the operator keeps back, too, that its input has become idle or active; it then calls `passStatus`. */
  readonly holdsStatus: boolean = false;
  /** Set by the chain: tells everything below that nothing is to be expected for now, or that something is again. */
  passStatus: (isIdle: boolean) => void = () => {};

  constructor(host: OperatorHost) {
    this.host = host;
  }

  restoreLists(_lists: RestoredLists): void {}

  open(): void {}

  initialize(): Promise<void> | undefined {
    return undefined;
  }

  onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
  }

  /** Event time begins again: a batch job goes on with the next key. What was remembered of time is forgotten. */
  restartTime(): void {
    this.currentWatermark = Number.MIN_SAFE_INTEGER;
  }

  /** The status of the input has changed; called when the operator `holdsStatus`. */
  onStatus(_isIdle: boolean): void {}

  onProcessingTime(_timeMs: number): void {}

  nextProcessingTimeMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  finish(): void {}

  snapshot(_checkpointId: number, format?: SnapshotFormat): OperatorSnapshot {
    return { keyed: this.table?.beginSnapshotAs(format), lists: [], durable: undefined };
  }

  notifyCheckpointComplete(_checkpointId: number): Promise<void> | undefined {
    return undefined;
  }

  commitAtEnd(): Promise<void> | undefined {
    return undefined;
  }

  hasPending(): boolean {
    return false;
  }

  whenAvailable(): Promise<void> | undefined {
    return undefined;
  }

  /** The timers of its keys. Operators that wait for other things, or whose timers are windows, say more. */
  describeWaiting(): OperatorWaiting {
    const { table } = this;
    if (table === undefined) return {};
    return { event: waitingTimers(table.eventTimers), processing: waitingTimers(table.processingTimers) };
  }

  async close(): Promise<void> {}
}

/** What a queue of timers waits for; undefined for nothing. */
function waitingTimers(queue: TimerQueue): WaitingForTime | undefined {
  const atMs = queue.peekTimeMs();
  if (atMs === Number.POSITIVE_INFINITY) return undefined;
  const timers = queue.live(WAITING_COUNTED_MAX);
  const keys = new Set(timers.map((timer) => timer.entry)).size;
  return { atMs, window: undefined, keys, timers: timers.length, hasMore: queue.size > WAITING_COUNTED_MAX };
}

/**
 * What operators with event-time windows have in common. The trigger is the default one: a window fires when the
 * watermark reaches its last millisecond, again for every late element within the allowed lateness, and is purged after
 * that.
 *
 * - W1. An element is late for a window when `end - 1 + allowedLateness <= watermark`; it goes to the late output when
 *   it is late for all its windows (a merged session counts as one).
 * - W2. Windows that end at the same time fire in the order in which they were created, across restores too.
 *
 * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 2.2.
 */
import { MillraceError } from "../../base/errors.ts";
import type { Counter } from "../../metrics/counter.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import { TimeWindow } from "../../time/time-window.ts";
import type { Serializer } from "../../types/type.ts";
import { invokeClose, invokeOpen } from "../clone-function.ts";
import type { KeyedStateStore, ProcessWindowContext } from "../functions.ts";
import { OperatorContext } from "../keyed-context.ts";
import { BaseOperator, type OperatorHost } from "../operator-runtime.ts";
import type { OperatorWaiting, WaitingForTime } from "../waiting.ts";
import { windowStateUnavailable } from "./window-context.ts";

/** How a window operator folds, as data and functions; see `WindowSpec`. */
export interface WindowFolding {
  /** Undefined when the first element is the accumulator (reduce). */
  readonly createAccumulator: (() => unknown) | undefined;
  readonly add: (value: unknown, accumulator: unknown) => unknown;
  /** Only for merging windows. */
  readonly merge: ((left: unknown, right: unknown) => unknown) | undefined;
  readonly serializer: Serializer<unknown>;
}

/** What every window operator is made with. */
export interface WindowSettings {
  readonly folding: WindowFolding;
  readonly allowedLatenessMs: number;
  /** The user's function of a window's result, when it has a life cycle. */
  readonly emitFunction?: unknown;
}

class WindowContext extends OperatorContext implements ProcessWindowContext {
  /** Set by generated code before every call. */
  window: TimeWindow = new TimeWindow(0, 0);

  windowState(): KeyedStateStore {
    throw windowStateUnavailable(this.operator.host.operatorName, "a function without clear()");
  }

  globalState(): KeyedStateStore {
    return this.operator.host.context;
  }
}

/** No window of a record starts before this: the earliest JavaScript date less the longest window. */
const TIMESTAMP_MIN_MS = -8_960_000_000_000_000;

export abstract class WindowOperator extends BaseOperator {
  override readonly table: KeyedStateTable;
  readonly context: WindowContext;
  readonly folding: WindowFolding;
  readonly allowedLatenessMs: number;
  /** Set by generated code when the late output is consumed. */
  emitLate: ((value: unknown, timestampMs: number) => void) | undefined = undefined;
  readonly #lateDropped: Counter;
  readonly #emitFunction: unknown;

  constructor(host: OperatorHost, settings: WindowSettings) {
    super(host);
    this.#emitFunction = settings.emitFunction;
    this.folding = settings.folding;
    this.allowedLatenessMs = settings.allowedLatenessMs;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.context = new WindowContext(this);
    this.#lateDropped = host.context.metricGroup.counter("numLateRecordsDropped");
  }

  override open(): void {
    this.restoreWindows();
    invokeOpen(this.#emitFunction, this.host.context);
  }

  override async close(): Promise<void> {
    invokeClose(this.#emitFunction);
  }

  override describeWaiting(): OperatorWaiting {
    return { event: this.nextWindow(), lateDropped: this.#lateDropped.getCount() };
  }

  /** The window that fires next; undefined when there is none. Called when somebody asks. */
  protected abstract nextWindow(): WaitingForTime | undefined;

  /** Registers the state of the windows and takes what a checkpoint holds of it. */
  protected abstract restoreWindows(): void;

  isLate(end: number): boolean {
    return end - 1 + this.allowedLatenessMs <= this.currentWatermark;
  }

  /** Called for an element that is late for all its windows. */
  late(value: unknown, timestampMs: number): void {
    if (this.emitLate !== undefined) this.emitLate(value, timestampMs);
    else this.#lateDropped.inc();
  }

  /** @throws MillraceError `MR_TIMESTAMP_MISSING` for what is no time, or earlier than any time of a record. */
  protected checkTime(timeMs: number): void {
    if (timeMs >= TIMESTAMP_MIN_MS) return;
    throw new MillraceError("MR_TIMESTAMP_MISSING", {
      what: "A record without event time reached an event-time window",
      where: { operator: this.host.operatorName, uid: this.host.uid },
      expected: "a timestamp in epoch milliseconds",
      todo: "Give the source a WatermarkStrategy with a timestamp assigner, or call assignTimestampsAndWatermarks",
    });
  }
}

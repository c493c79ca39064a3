/** The contexts that process functions are called with. One object per operator and subtask, reused for every call. */
import type { Clock } from "../platform/platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";
import type { KeyedProcessContext, OnTimerContext, ProcessContext, TimerService } from "./functions.ts";
import type { BaseOperator } from "./operator-runtime.ts";
import type { OutputTag } from "./output-tag.ts";

/** Sends a value to a side output of the operator; outputs that nobody consumes drop it. */
export type SideEmitter = (value: unknown, timestampMs: number) => void;

export class OperatorContext implements ProcessContext {
  /** Set by generated code before every call. */
  timestamp: number = NO_TIMESTAMP;
  protected readonly operator: BaseOperator;
  readonly #sideOutputs = new Map<string, SideEmitter>();

  constructor(operator: BaseOperator) {
    this.operator = operator;
  }

  connectSideOutput(tagId: string, emit: SideEmitter): void {
    this.#sideOutputs.set(tagId, emit);
  }

  currentProcessingTime(): number {
    return this.operator.host.clock.wallMs();
  }

  currentWatermark(): number {
    return this.operator.currentWatermark;
  }

  output(tag: OutputTag<unknown>, value: unknown): void {
    this.#sideOutputs.get(tag.id)?.(value, this.timestamp);
  }
}

export class KeyedOperatorContext
  extends OperatorContext
  implements KeyedProcessContext<unknown>, OnTimerContext<unknown>
{
  timeDomain: "event" | "processing" = "event";
  readonly timerService: TimerService;
  readonly #table: KeyedStateTable;

  constructor(operator: BaseOperator, table: KeyedStateTable) {
    super(operator);
    this.#table = table;
    this.timerService = new TableTimerService(operator, table);
  }

  get currentKey(): unknown {
    return this.#table.currentKey;
  }
}

/** Whose time it is. */
export interface TimedOperator {
  readonly currentWatermark: number;
  readonly host: { readonly clock: Pick<Clock, "wallMs"> };
}

export class TableTimerService implements TimerService {
  readonly #operator: TimedOperator;
  readonly #table: KeyedStateTable;

  constructor(operator: TimedOperator, table: KeyedStateTable) {
    this.#operator = operator;
    this.#table = table;
  }

  currentProcessingTime(): number {
    return this.#operator.host.clock.wallMs();
  }

  currentWatermark(): number {
    return this.#operator.currentWatermark;
  }

  registerEventTimeTimer(timeMs: number): void {
    this.#table.addTimer("event", timeMs);
  }

  registerProcessingTimeTimer(timeMs: number): void {
    this.#table.addTimer("processing", timeMs);
  }

  deleteEventTimeTimer(timeMs: number): void {
    this.#table.deleteTimer("event", timeMs);
  }

  deleteProcessingTimeTimer(timeMs: number): void {
    this.#table.deleteTimer("processing", timeMs);
  }
}

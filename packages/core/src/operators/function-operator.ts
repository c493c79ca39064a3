import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";
import { invokeClose, invokeOpen } from "./clone-function.ts";
import type { Collector, OnTimerContext } from "./functions.ts";
import { KeyedOperatorContext, OperatorContext } from "./keyed-context.ts";
import { BaseOperator, type OperatorHost } from "./operator-runtime.ts";

/** An operator that is a user function and nothing else: map, filter, flatMap, process without a key. */
export class FunctionOperator extends BaseOperator {
  readonly context: OperatorContext;
  protected readonly fn: unknown;

  constructor(host: OperatorHost, fn: unknown) {
    super(host);
    this.fn = fn;
    this.context = new OperatorContext(this);
  }

  override open(): void {
    invokeOpen(this.fn, this.host.context);
  }

  override async close(): Promise<void> {
    invokeClose(this.fn);
  }
}

/** What a function with timers looks like to its operator. */
interface TimerFunction {
  onTimer?(timeMs: number, context: OnTimerContext<unknown>, out: Collector<unknown>): void;
}

/** A user function on a keyed stream, with state and timers. Generated code selects the key and calls the function. */
export class KeyedFunctionOperator extends BaseOperator {
  override readonly table: KeyedStateTable;
  readonly context: KeyedOperatorContext;
  /** Set by generated code. */
  collector: Collector<unknown> = { collect: () => {} };
  readonly #fn: unknown;

  constructor(host: OperatorHost, fn: unknown) {
    super(host);
    this.#fn = fn;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.table.readsOnDemand = true;
    this.context = new KeyedOperatorContext(this, this.table);
  }

  override open(): void {
    invokeOpen(this.#fn, this.host.context);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    this.#fire("event", timestampMs);
  }

  override onProcessingTime(timeMs: number): void {
    this.#fire("processing", timeMs);
  }

  override nextProcessingTimeMs(): number {
    return this.table.processingTimers.peekTimeMs();
  }

  override async close(): Promise<void> {
    invokeClose(this.#fn);
  }

  #fire(domain: "event" | "processing", untilMs: number): void {
    const fn = this.#fn as TimerFunction;
    for (
      let timer = this.table.pollTimer(domain, untilMs);
      timer !== undefined;
      timer = this.table.pollTimer(domain, untilMs)
    ) {
      // A processing-time timer carries no event time, as in Flink.
      this.context.timestamp = domain === "event" ? timer.timeMs : NO_TIMESTAMP;
      this.context.timeDomain = domain;
      fn.onTimer?.(timer.timeMs, this.context, this.collector);
      this.table.removeIfEmpty(timer.entry);
    }
  }
}

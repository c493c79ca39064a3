import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { BroadcastState } from "../../state/operator-state.ts";
import type { KeyedStateDescriptor, MapStateDescriptor, StateDescriptor } from "../../state/state-descriptors.ts";
import { NO_TIMESTAMP } from "../../time/timestamps.ts";
import { invokeClose, invokeOpen } from "../clone-function.ts";
import type { Collector } from "../functions.ts";
import { KeyedOperatorContext } from "../keyed-context.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type {
  BroadcastOnTimerContext,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  StateOf,
} from "./broadcast-functions.ts";
import { contextCollector } from "./broadcast-operator.ts";
import { BroadcastStates } from "./broadcast-states.ts";

type KeyedFunction = KeyedBroadcastProcessFunction<unknown, unknown, unknown, unknown>;

class KeyedBroadcastOperatorContext
  extends KeyedOperatorContext
  implements KeyedBroadcastContext<unknown>, BroadcastOnTimerContext<unknown>
{
  /** Set when the operator opens. */
  states!: BroadcastStates;
  readonly #operator: KeyedBroadcastOperator;

  constructor(operator: KeyedBroadcastOperator) {
    super(operator, operator.table);
    this.#operator = operator;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.states.of(descriptor);
  }

  applyToKeyedState<D extends StateDescriptor>(descriptor: D, fn: (key: unknown, state: StateOf<D>) => void): void {
    this.states.checkWritable("applyToKeyedState");
    this.#operator.applyToKeyedState(descriptor as unknown as KeyedStateDescriptor, (key, state) =>
      // The handle was made for this very descriptor.
      fn(key, state as StateOf<D>),
    );
  }
}

/** As `BroadcastOperator`, with keyed state and timers for the records of the first input (B1, B2). */
export class KeyedBroadcastOperator extends StreamOperator {
  override readonly table: KeyedStateTable;
  override readonly context: KeyedBroadcastOperatorContext;
  readonly #fn: KeyedFunction;
  readonly #descriptors: readonly MapStateDescriptor<unknown, unknown>[];
  readonly #out: Collector<unknown>;

  constructor(host: OperatorHost, fn: KeyedFunction, descriptors: readonly MapStateDescriptor<unknown, unknown>[]) {
    super(host);
    this.#fn = fn;
    this.#descriptors = descriptors;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.context = new KeyedBroadcastOperatorContext(this);
    this.#out = contextCollector(this, this.context);
  }

  override open(): void {
    this.context.states = new BroadcastStates(this.host, this.#descriptors);
    invokeOpen(this.#fn, this.host.context);
  }

  processElement(value: unknown, timestampMs: number): void {
    this.context.timestamp = timestampMs;
    this.context.states.isReadOnly = true;
    this.#fn.processElement(value, this.context, this.#out);
  }

  override processElement2(value: unknown, timestampMs: number): void {
    this.table.selectNone();
    this.context.timestamp = timestampMs;
    this.context.states.isReadOnly = false;
    this.#fn.processBroadcastElement(value, this.context, this.#out);
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

  /** Of every key that has a value there; the function may change and clear it. */
  applyToKeyedState(descriptor: KeyedStateDescriptor, fn: (key: unknown, state: unknown) => void): void {
    const { table } = this;
    const state = this.host.context.keyedState(descriptor);
    const slot = table.slots.findIndex(({ name }) => name === descriptor.name);
    for (const key of table.keysOf(slot)) {
      table.select(key);
      fn(key, state);
    }
    table.selectNone();
  }

  #fire(domain: "event" | "processing", untilMs: number): void {
    const { table, context } = this;
    context.states.isReadOnly = true;
    for (let timer = table.pollTimer(domain, untilMs); timer !== undefined; timer = table.pollTimer(domain, untilMs)) {
      context.timestamp = domain === "event" ? timer.timeMs : NO_TIMESTAMP;
      context.timeDomain = domain;
      this.#fn.onTimer?.(timer.timeMs, context, this.#out);
      table.removeIfEmpty(timer.entry);
    }
  }
}

/**
 * A stream connected with a broadcast one. Input 1 has the stream's records, input 2 the broadcast ones, which every subtask
 * gets; what the function makes of those is in broadcast states, a copy in every subtask.
 *
 * - B1. Records of the first input, and timers, see the broadcast states but cannot change them.
 * - B2. A broadcast record has no key: keyed state is out of reach for it but through `applyToKeyedState`.
 */
import type { BroadcastState } from "../../state/operator-state.ts";
import type { MapStateDescriptor } from "../../state/state-descriptors.ts";
import { invokeClose, invokeOpen } from "../clone-function.ts";
import type { Collector } from "../functions.ts";
import { OperatorContext } from "../keyed-context.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type { BroadcastContext, BroadcastProcessFunction, ReadOnlyContext } from "./broadcast-functions.ts";
import { BroadcastStates } from "./broadcast-states.ts";

/** One object for both inputs; which states it hands out depends on whose turn it is (B1). */
class BroadcastOperatorContext extends OperatorContext implements BroadcastContext, ReadOnlyContext {
  /** Set when the operator opens. */
  states!: BroadcastStates;

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.states.of(descriptor);
  }
}

/** Hands results on with the event time of the record or timer at hand. */
export function contextCollector(operator: StreamOperator, context: OperatorContext): Collector<unknown> {
  return { collect: (value) => operator.emit(value, context.timestamp) };
}

export class BroadcastOperator extends StreamOperator {
  override readonly context: BroadcastOperatorContext = new BroadcastOperatorContext(this);
  readonly #fn: BroadcastProcessFunction<unknown, unknown, unknown>;
  readonly #descriptors: readonly MapStateDescriptor<unknown, unknown>[];
  readonly #out: Collector<unknown> = contextCollector(this, this.context);

  constructor(
    host: OperatorHost,
    fn: BroadcastProcessFunction<unknown, unknown, unknown>,
    descriptors: readonly MapStateDescriptor<unknown, unknown>[],
  ) {
    super(host);
    this.#fn = fn;
    this.#descriptors = descriptors;
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
    this.context.timestamp = timestampMs;
    this.context.states.isReadOnly = false;
    this.#fn.processBroadcastElement(value, this.context, this.#out);
  }

  override async close(): Promise<void> {
    invokeClose(this.#fn);
  }
}

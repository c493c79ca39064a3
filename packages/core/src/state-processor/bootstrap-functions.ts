/** What users write to make the state of an operator. */
import type { FunctionInitializationContext, FunctionSnapshotContext } from "../operators/checkpointed-function.ts";
import type { KeyedStateStore, TimerService } from "../operators/functions.ts";
import type { BroadcastState } from "../state/operator-state.ts";
import type { MapStateDescriptor } from "../state/state-descriptors.ts";

/**
 * What a function that makes keyed state is told about the element at hand. Valid only during the call.
 *
 * @public
 */
export interface KeyedStateBootstrapContext<K> {
  readonly currentKey: K;
  /** Timers that the job will find. The watermark is before all times: none fires here. */
  readonly timerService: TimerService;
}

/**
 * Makes keyed state: `processElement` is called with each element, its key made current, and writes the states that it has
 * asked for in `open` as a function of the job would.
 *
 * @example
 * class TotalOf implements KeyedStateBootstrapFunction<string, { id: string; amount: number }> {
 *   private total!: ValueState<number>;
 *   open(states: KeyedStateStore): void {
 *     this.total = states.getState(valueState("total", t.float64));
 *   }
 *   processElement({ amount }: { amount: number }): void {
 *     this.total.update((this.total.value() ?? 0) + amount);
 *   }
 * }
 * @public
 */
export interface KeyedStateBootstrapFunction<K, T> {
  /** Called once, before the first element. */
  open?(states: KeyedStateStore): void;
  processElement(value: T, context: KeyedStateBootstrapContext<K>): void;
  close?(): void;
}

/**
 * What a function that makes operator state is told. Valid only during the call.
 *
 * @public
 */
export interface StateBootstrapContext {
  /** Epoch ms. */
  currentProcessingTime(): number;
}

/**
 * Makes lists, split or union, as a `CheckpointedFunction` of a job has them: they are asked for in `initializeState`, and
 * filled in `processElement` or, at the end, in `snapshotState`.
 *
 * @public
 */
export interface StateBootstrapFunction<T> {
  initializeState(context: FunctionInitializationContext): void;
  processElement(value: T, context: StateBootstrapContext): void;
  /** Called once, after the last element. */
  snapshotState(context: FunctionSnapshotContext): void;
}

/**
 * What a function that makes broadcast state is told. Valid only during the call.
 *
 * @public
 */
export interface BroadcastStateBootstrapContext extends StateBootstrapContext {
  /** The state of this name, which every subtask of the job will have a copy of. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

/** Makes broadcast state. @public */
export interface BroadcastStateBootstrapFunction<T> {
  processElement(value: T, context: BroadcastStateBootstrapContext): void;
}

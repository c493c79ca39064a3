/** What users write for a stream that is connected with a broadcast one. */

import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../../state/keyed-state.ts";
import type { BroadcastState, ReadOnlyBroadcastState } from "../../state/operator-state.ts";
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  ValueStateDescriptor,
} from "../../state/state-descriptors.ts";
import type { Collector, KeyedProcessContext, OnTimerContext, ProcessContext, RichFunction } from "../functions.ts";

/** The state that a descriptor describes. @public */
export type StateOf<D extends StateDescriptor> =
  D extends ValueStateDescriptor<infer T>
    ? ValueState<T>
    : D extends ListStateDescriptor<infer T>
      ? ListState<T>
      : D extends MapStateDescriptor<infer K, infer V>
        ? MapState<K, V>
        : D extends ReducingStateDescriptor<infer T>
          ? ReducingState<T>
          : D extends AggregatingStateDescriptor<infer IN, infer _ACC, infer OUT>
            ? AggregatingState<IN, OUT>
            : never;

/** Sees the broadcast states; records of one subtask only must not change what all subtasks have. @public */
export interface ReadsBroadcastState {
  /**
   * @param descriptor - One that was given to `broadcast`.
   * @throws MillraceError `MR_BROADCAST_STATE_UNKNOWN` for another one; by the methods that would change the state,
   *   `MR_BROADCAST_STATE_READ_ONLY`
   */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyBroadcastState<K, V>;
}

/** May change the broadcast states. Every subtask gets every broadcast record, and has to make the same of it. @public */
export interface BroadcastContext extends ProcessContext {
  /** @throws MillraceError `MR_BROADCAST_STATE_UNKNOWN` for a descriptor that was not given to `broadcast` */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

/**
 * What a keyed function may do with a broadcast record: write the broadcast state, and visit the state of every key.
 *
 * @public
 */
export interface KeyedBroadcastContext<K> extends BroadcastContext {
  /**
   * Calls the function for every key of this subtask that has a value in the state. The order of the keys is not defined.
   *
   * @example
   * const counts = valueState("counts", t.int32);
   * const onReset = (context: KeyedBroadcastContext<string>): void =>
   *   context.applyToKeyedState(counts, (_user, count) => count.update(0));
   */
  applyToKeyedState<D extends StateDescriptor>(descriptor: D, fn: (key: K, state: StateOf<D>) => void): void;
}

/** What a function may do with a record of the side that is not broadcast: read the broadcast state. @public */
export interface ReadOnlyContext extends ProcessContext, ReadsBroadcastState {}

/** What a keyed function may do with a record: read the broadcast state, use keyed state and timers. @public */
export interface KeyedReadOnlyContext<K> extends KeyedProcessContext<K>, ReadsBroadcastState {}

/** What a timer of a keyed broadcast function is told and may do. @public */
export interface BroadcastOnTimerContext<K> extends OnTimerContext<K>, ReadsBroadcastState {}

/** The records of a stream, and those of another that all subtasks get. @public */
export interface BroadcastProcessFunction<IN1, IN2, OUT> extends RichFunction {
  processElement(value: IN1, context: ReadOnlyContext, out: Collector<OUT>): void;
  processBroadcastElement(value: IN2, context: BroadcastContext, out: Collector<OUT>): void;
}

/**
 * As {@link BroadcastProcessFunction}, for a keyed stream: with keyed state and timers for its records. A broadcast record
 * has no key; it reaches the state of all keys by `applyToKeyedState`.
 *
 * @public
 */
export interface KeyedBroadcastProcessFunction<K, IN1, IN2, OUT> extends RichFunction {
  processElement(value: IN1, context: KeyedReadOnlyContext<K>, out: Collector<OUT>): void;
  processBroadcastElement(value: IN2, context: KeyedBroadcastContext<K>, out: Collector<OUT>): void;
  onTimer?(timeMs: number, context: BroadcastOnTimerContext<K>, out: Collector<OUT>): void;
}

/**
 * What users write. A function is plain (`(value) => …`) or an object with the method of the same name; an object may
 * also have `open` and `close`. Every subtask has its own instance of an object: see `clone-function.ts`.
 *
 * All of them are synchronous: a Promise has no place on the data path, and returning one is an error.
 */

import type { MetricGroup } from "../metrics/metric-group.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from "../state/state-descriptors.ts";
import type { TimeWindow } from "../time/time-window.ts";
import type { Window } from "../time/window.ts";
import type { Accumulator } from "./accumulators/accumulator.ts";
import type { DoubleCounter, IntCounter, LongCounter } from "./accumulators/counters.ts";
import type { HistogramAccumulator } from "./accumulators/histogram-accumulator.ts";
import type { DistributedCache } from "./distributed-cache.ts";
import type { OutputTag } from "./output-tag.ts";

/**
 * A result that is no Promise: makes `async` functions a compile error where the data path needs a value.
 * @public
 */
export type Sync<R> = R extends PromiseLike<unknown> ? AsyncNotAllowedHere : R;

/**
 * What an error message shows for a function that returns a Promise where none can be waited for; use `mapAsync`.
 *
 * @public
 */
export interface AsyncNotAllowedHere {
  readonly "a function on the data path must not return a Promise": never;
}

/**
 * Keyed state by descriptor; the same name gives the same state. Values are those of the key of the record, or timer, that
 * the function is called with.
 *
 * @public
 */
export interface KeyedStateStore {
  /** @throws MillraceError `MR_STATE_NOT_KEYED` unless the stream is keyed; so do all of them. */
  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT>;
}

/**
 * Accumulators of the job, by name. All subtasks fill their own, which are merged when the job has ended: see `Accumulator`.
 * Operators of one chain share them; they begin afresh with every restart of the job.
 *
 * @public
 */
export interface AccumulatorStore {
  /**
   * Adds an accumulator of this subtask, usually in `open`.
   *
   * @throws MillraceError `MR_ACCUMULATOR_EXISTS` when the task has one of this name, `MR_ACCUMULATOR_INVALID` when it is none
   * @example
   * context.addAccumulator("longest line", new IntMaximum());
   */
  addAccumulator<V, R>(name: string, accumulator: Accumulator<V, R>): void;
  /** The one that was added with this name; undefined without one. Its types are whatever the caller says. */
  getAccumulator<V, R>(name: string): Accumulator<V, R> | undefined;
  /**
   * The counter of this name, which is made when there is none.
   *
   * @throws MillraceError `MR_ACCUMULATOR_CONFLICT` when the name stands for an accumulator of another class; so do the others
   */
  getIntCounter(name: string): IntCounter;
  getLongCounter(name: string): LongCounter;
  getDoubleCounter(name: string): DoubleCounter;
  getHistogram(name: string): HistogramAccumulator;
}

/**
 * What a function may ask about the subtask it runs in, and the keyed state and the accumulators of its operator, from
 * `open` on.
 *
 * @public
 */
export interface RuntimeContext extends KeyedStateStore, AccumulatorStore {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  /** 0 on the first run, one more after every restart. */
  readonly attemptNumber: number;
  readonly metricGroup: MetricGroup;
  /** The files that the job was given by name. */
  getDistributedCache(): DistributedCache;
}

/** The lifecycle of a function object. State is restored before `open`. @public */
export interface RichFunction {
  open?(context: RuntimeContext): void;
  close?(): void;
}

/** Takes what a function emits. Valid only during the call it was handed to. @public */
export interface Collector<T> {
  collect(value: T): void;
}

/** One result for every record. @public */
export interface MapFunction<T, R> extends RichFunction {
  map(value: T): R;
}

/** Whether a record is kept. @public */
export interface FilterFunction<T> extends RichFunction {
  filter(value: T): boolean;
}

/** Any number of results for every record. @public */
export interface FlatMapFunction<T, R> extends RichFunction {
  flatMap(value: T, out: Collector<R>): void;
}

/**
 * Folds records into one of their own type. It must not change its arguments. In sliding windows it has to be associative as
 * well: records are folded in groups, and then the results of the groups, with the earlier ones as `accumulated`.
 * @public
 */
export interface ReduceFunction<T> extends RichFunction {
  reduce(accumulated: T, value: T): T;
}

/** Picks the key of a record: a string, finite number, bigint, boolean, or a tuple or object of them. @public */
export type KeySelector<T, K> = (value: T) => K;

/** Folds records into an accumulator. `add` and `merge` may change and return their first argument. @public */
export interface AggregateFunction<T, ACC, R> {
  createAccumulator(): ACC;
  add(value: T, accumulator: ACC): ACC;
  getResult(accumulator: ACC): R;
  /**
   * What `add` would have made of the records of both. Sessions need it; sliding windows that have it fold a record once,
   * whatever size / slide is, and merge what they share with others. So `right` belongs to other windows too: it must
   * neither be changed nor become a part of the result, and how records were grouped must not change the result.
   */
  merge?(left: ACC, right: ACC): ACC;
}

/**
 * The time of an operator, and timers of the current key. A timer that is registered twice for one time fires once.
 *
 * @public
 */
export interface TimerService {
  /** Epoch ms. */
  currentProcessingTime(): number;
  currentWatermark(): number;
  /** Calls `onTimer` when the watermark reaches `timeMs`. A second timer of the key for the same time is the same timer. */
  registerEventTimeTimer(timeMs: number): void;
  /**
   * Calls `onTimer` when the millisecond `timeMs` is over: no record comes in it any more. A timer for a time that has
   * passed fires at once. A second timer of the key for the same time is the same timer.
   */
  registerProcessingTimeTimer(timeMs: number): void;
  deleteEventTimeTimer(timeMs: number): void;
  deleteProcessingTimeTimer(timeMs: number): void;
}

/** What a process function knows about the record at hand. Valid only during the call. @public */
export interface ProcessContext {
  /** Event time in epoch ms, or NO_TIMESTAMP. */
  readonly timestamp: number;
  currentProcessingTime(): number;
  currentWatermark(): number;
  output<X>(tag: OutputTag<X>, value: X): void;
}

/** What a keyed function is told about its record, and its timers. @public */
export interface KeyedProcessContext<K> extends ProcessContext {
  readonly currentKey: K;
  readonly timerService: TimerService;
}

/** What a timer is told when it fires. @public */
export interface OnTimerContext<K> extends KeyedProcessContext<K> {
  readonly timeDomain: "event" | "processing";
}

/** Full access to records: timestamps, side outputs, any number of results. @public */
export interface ProcessFunction<T, R> extends RichFunction {
  processElement(value: T, context: ProcessContext, out: Collector<R>): void;
}

/** Full access to the records of a keyed stream, with keyed state and timers. @public */
export interface KeyedProcessFunction<K, T, R> extends RichFunction {
  processElement(value: T, context: KeyedProcessContext<K>, out: Collector<R>): void;
  onTimer?(timeMs: number, context: OnTimerContext<K>, out: Collector<R>): void;
}

/** One result for every record of two streams, with a method for each. @public */
export interface CoMapFunction<T1, T2, R> extends RichFunction {
  map1(value: T1): R;
  map2(value: T2): R;
}

/** Any number of results for every record of two streams, with a method for each. @public */
export interface CoFlatMapFunction<T1, T2, R> extends RichFunction {
  flatMap1(value: T1, out: Collector<R>): void;
  flatMap2(value: T2, out: Collector<R>): void;
}

/** Full access to the records of two streams: timestamps, side outputs, any number of results. @public */
export interface CoProcessFunction<T1, T2, R> extends RichFunction {
  processElement1(value: T1, context: ProcessContext, out: Collector<R>): void;
  processElement2(value: T2, context: ProcessContext, out: Collector<R>): void;
}

/**
 * Full access to the records of two streams with the same keys, with keyed state and timers that both share.
 *
 * @public
 */
export interface KeyedCoProcessFunction<K, T1, T2, R> extends RichFunction {
  processElement1(value: T1, context: KeyedProcessContext<K>, out: Collector<R>): void;
  processElement2(value: T2, context: KeyedProcessContext<K>, out: Collector<R>): void;
  onTimer?(timeMs: number, context: OnTimerContext<K>, out: Collector<R>): void;
}

/** What a join function knows about the pair at hand; `timestamp` is the later of the two. Valid only during the call. @public */
export interface ProcessJoinContext extends ProcessContext {
  /** Event time of the left record in epoch ms. */
  readonly leftTimestamp: number;
  readonly rightTimestamp: number;
}

/** Gets every pair of an interval join; what it emits has the later timestamp of the two. @public */
export interface ProcessJoinFunction<L, R, O> extends RichFunction {
  processElement(left: L, right: R, context: ProcessJoinContext, out: Collector<O>): void;
}

/** Makes one result of every pair of a window join. @public */
export interface JoinFunction<T1, T2, R> extends RichFunction {
  join(first: T1, second: T2): R;
}

/**
 * Makes any number of results of every pair of a window join. Its method has a name of its own, because an object does not
 * tell how many arguments its methods take.
 * @public
 */
export interface FlatJoinFunction<T1, T2, R> extends RichFunction {
  flatJoin(first: T1, second: T2, out: Collector<R>): void;
}

/**
 * Sees the records that two streams have for one key in one window, each side in the order in which it came. One of the
 * sides may be empty, not both.
 * @public
 */
export interface CoGroupFunction<T1, T2, R> extends RichFunction {
  coGroup(first: readonly T1[], second: readonly T2[], out: Collector<R>): void;
}

/** Turns the result of a window's aggregation into an output record. @public */
export type WindowResultFunction<K, V, R, W extends Window = TimeWindow> = (key: K, window: W, result: V) => R;

/** What a window's function is told about its window. @public */
export interface ProcessWindowContext<W extends Window = TimeWindow> {
  readonly window: W;
  currentProcessingTime(): number;
  currentWatermark(): number;
  output<X>(tag: OutputTag<X>, value: X): void;
  /**
   * State of this key and window, dropped with the window. Only functions that have `clear` may use it, and only with
   * windows that do not merge.
   * @throws MillraceError `MR_WINDOW_STATE_UNAVAILABLE` otherwise
   */
  windowState(): KeyedStateStore;
  /** State of this key that all its windows share. */
  globalState(): KeyedStateStore;
}

/** Sees all elements of a window (or the one aggregate) at once. @public */
export interface ProcessWindowFunction<T, R, K, W extends Window = TimeWindow> extends RichFunction {
  process(key: K, context: ProcessWindowContext<W>, elements: Iterable<T>, out: Collector<R>): void;
  /** The window is dropped: called after it has emitted for the last time. */
  clear?(context: ProcessWindowContext<W>): void;
}

/** Sees all elements of a window (or the one aggregate) at once. @public */
export interface WindowFunction<T, R, K, W extends Window = TimeWindow> extends RichFunction {
  apply(key: K, window: W, elements: Iterable<T>, out: Collector<R>): void;
}

/** As {@link ProcessWindowFunction}, of a stream without keys. @public */
export interface ProcessAllWindowFunction<T, R, W extends Window = TimeWindow> extends RichFunction {
  process(context: ProcessWindowContext<W>, elements: Iterable<T>, out: Collector<R>): void;
  /** The window is dropped: called after it has emitted for the last time. */
  clear?(context: ProcessWindowContext<W>): void;
}

/** As {@link WindowFunction}, of a stream without keys. @public */
export interface AllWindowFunction<T, R, W extends Window = TimeWindow> extends RichFunction {
  apply(window: W, elements: Iterable<T>, out: Collector<R>): void;
}

/** Sees all records of a partition of a bounded stream at once. @public */
export interface MapPartitionFunction<T, R> extends RichFunction {
  mapPartition(values: Iterable<T>, out: Collector<R>): void;
}

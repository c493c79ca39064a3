/**
 * The streams that a job is written with. A stream is a description and never changes: every method adds an operator to
 * the pipeline and returns a new stream; nothing runs before the environment is executed. Each kind of stream makes the
 * others, so their files import each other: this one has those that extend each other.
 */
import type { Duration } from "../base/duration.ts";
import { AsyncQueue } from "../connectors/async-queue.ts";
import { CollectSink } from "../connectors/collect-sink.ts";
import { PrintSink } from "../connectors/print-sink.ts";
import type { Sink } from "../connectors/sink.ts";
import type { Partitioning, Transformation } from "../graph/transformation.ts";
import type {
  AsyncContext,
  AsyncFunction,
  AsyncMapFunction,
  AsyncOptions,
} from "../operators/async/async-functions.ts";
import type {
  FilterFunction,
  FlatMapFunction,
  KeyedProcessFunction,
  KeySelector,
  MapFunction,
  ProcessFunction,
  ReduceFunction,
  Sync,
} from "../operators/functions.ts";
import type { OperatorSpec, TransformSpec } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import type { AnyWindowAssigner } from "../operators/window/element-assigner.ts";
import type { GlobalWindows } from "../time/global-windows.ts";
import { toWatermarkStrategy, type WatermarkOptions } from "../time/watermark-options.ts";
import type { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { Type } from "../types/type.ts";
import { addOperator, addSink } from "./add-operator.ts";
import { AllWindowedStream } from "./all-windowed-stream.ts";
import {
  checkFunction,
  checkMembers,
  checkParallelism,
  checkText,
  describeValue,
  invalidArgument,
} from "./argument-checks.ts";
import { addAsyncOperator } from "./async-stream.ts";
import {
  type AnyMapState,
  type BroadcastConnectedStream,
  BroadcastStream,
  broadcastStream,
  connectBroadcast,
  connectKeyedBroadcast,
  type KeyedBroadcastConnectedStream,
} from "./broadcast-stream.ts";
import { type UserCall, userCall } from "./call-site.ts";
import { CoGroupedStreams } from "./co-grouped-streams.ts";
import { CollectedStream } from "./collected-stream.ts";
import { ConnectedIterativeStreams, ConnectedStreams, KeyedConnectedStreams } from "./connected-streams.ts";
import { countWindowing } from "./count-windows.ts";
import type { DataStreamSink } from "./data-stream-sink.ts";
import { erased } from "./erased.ts";
import {
  extremeOf,
  extremeRecordOf,
  type FieldOf,
  type Orderable,
  type Summable,
  sumOf,
} from "./field-aggregations.ts";
import { IntervalJoin } from "./interval-join.ts";
import { IntervalJoined } from "./interval-joined-stream.ts";
import { addHead, addTail, closedTwice, feedbackOf, iterationHead } from "./iteration.ts";
import { JoinedStreams } from "./joined-streams.ts";
import type { KeyOf } from "./key-types.ts";
import { stateKeyOf } from "./keyed-functions.ts";
import { PartitionWindowedStream } from "./partition-windowed-stream.ts";
import type { PipelineBuilder } from "./pipeline-builder.ts";
import { type ProjectableField, type Projected, projectionOf } from "./projection.ts";
import { checkSideOutput, checkStrategy, checkStreams, checkTag, checkType } from "./stream-checks.ts";
import type { Synchronous } from "./synchronous.ts";
import { partitioned, type Upstream } from "./upstreams.ts";
import { windowingOf } from "./window-specs.ts";
import { WindowedStream } from "./windowed-stream.ts";

type Key = KeySelector<unknown, unknown>;

/**
 * A stream of records of type `T`. It may feed any number of operators; each gets all records.
 *
 * A stream of a narrower type does not stand for one of a wider type, because what some operators make of its records is
 * fed to it again (`reduce`, `iterate`, a declared type): `map<Wider>((value) => value)` makes one, at no cost in a chain.
 *
 * @example
 * const words = lines.flatMap((line) => line.split(" ")).filter((word) => word !== "");
 * const lengths = words.map((word) => word.length);
 * @public
 */
export class DataStream<in out T> {
  /** What the records are, when that was declared; the runtime learns their shapes otherwise. */
  readonly type: Type<T> | undefined;
  /** @internal */
  readonly builder: PipelineBuilder;
  /** One, or several after `union`. @internal */
  readonly upstreams: readonly Upstream[];

  /** @internal */
  constructor(builder: PipelineBuilder, upstreams: readonly Upstream[], type: Type<T> | undefined) {
    this.builder = builder;
    this.upstreams = upstreams;
    this.type = type;
  }

  /**
   * One result for every record.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`; so do all methods that take a function
   * @example
   * flights.map((flight) => flight.delay / 60);
   */
  map<R>(fn: ((value: T) => Sync<R>) | MapFunction<T, Sync<R>>): SingleOutputStreamOperator<R> {
    const call = userCall("map");
    checkFunction(call, fn, { methods: ["map"], plain: "function" });
    return addOperator<R>(this, call, "Map", { kind: "map", fn: erased(fn), ...stateKeyOf(this, fn) });
  }

  /**
   * Keeps the records that the function says true for. A type guard narrows the stream.
   *
   * @example
   * const strings = values.filter((value) => typeof value === "string"); // DataStream<string>
   */
  filter<S extends T>(fn: (value: T) => value is S): SingleOutputStreamOperator<S>;
  filter(fn: ((value: T) => boolean) | FilterFunction<T>): SingleOutputStreamOperator<T>;
  filter(fn: ((value: T) => boolean) | FilterFunction<T>): SingleOutputStreamOperator<T> {
    const call = userCall("filter");
    checkFunction(call, fn, { methods: ["filter"], plain: "function" });
    const spec: OperatorSpec = { kind: "filter", fn: erased(fn), ...stateKeyOf(this, fn) };
    return addOperator<T>(this, call, "Filter", spec, this.type);
  }

  /**
   * Any number of results for every record: a plain function returns them, an object collects them.
   *
   * @example
   * lines.flatMap((line) => line.split(" "));
   */
  flatMap<R>(
    fn: ((value: T) => Iterable<R>) | (FlatMapFunction<T, R> & Synchronous<"flatMap">),
  ): SingleOutputStreamOperator<R> {
    const call = userCall("flatMap");
    checkFunction(call, fn, { methods: ["flatMap"], plain: "function or generator" });
    return addOperator<R>(this, call, "Flat Map", { kind: "flatMap", fn: erased(fn), ...stateKeyOf(this, fn) });
  }

  /**
   * One result for every record, from a function that returns a Promise. Several records are waited for at a time; they
   * are in every checkpoint, and asked for again after a restore.
   *
   * @example
   * orders.mapAsync(async (order, { signal }) => ({ ...order, rate: await rateOf(order.currency, signal) }), {
   *   timeout: "5 s",
   *   retry: AsyncRetryStrategies.fixedDelay(3, "200 ms"),
   * });
   */
  mapAsync<R>(
    fn: ((value: T, context: AsyncContext) => PromiseLike<R>) | AsyncMapFunction<T, R>,
    options: AsyncOptions<T, R> = {},
  ): SingleOutputStreamOperator<R> {
    return addAsyncOperator<T, R, R>(this, userCall("mapAsync"), fn, "mapAsync", options);
  }

  /**
   * As {@link DataStream.mapAsync}, with any number of results for every record.
   *
   * @example
   * users.flatMapAsync((user, { signal }) => ordersOf(user.id, signal), { ordered: false, capacity: 20 });
   */
  flatMapAsync<R>(
    fn: ((value: T, context: AsyncContext) => PromiseLike<Iterable<R>>) | AsyncFunction<T, R>,
    options: AsyncOptions<T, readonly R[]> = {},
  ): SingleOutputStreamOperator<R> {
    const method = typeof fn === "function" ? "flatMapAsync" : "asyncInvoke";
    return addAsyncOperator<T, R, readonly R[]>(this, userCall("flatMapAsync"), fn, method, options);
  }

  /**
   * Chooses fields of every record: names of an object, which make a smaller object, or positions of a tuple, which make a
   * tuple in the order given.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   * @example
   * flights.project("origin", "delay"); // DataStream<Pick<Flight, "origin" | "delay">>
   */
  project<const F extends readonly [ProjectableField<T>, ...ProjectableField<T>[]]>(
    ...fields: F
  ): SingleOutputStreamOperator<Projected<T, F>> {
    const call = userCall("project");
    const fn = projectionOf(call, fields);
    return addOperator<Projected<T, F>>(this, call, "Projection", { kind: "map", fn });
  }

  /**
   * Full access to a record: its timestamp, side outputs, any number of results. On a keyed stream also keyed state and
   * timers, see {@link KeyedStream.process}.
   */
  process<R>(fn: ProcessFunction<T, R> & Synchronous<"processElement">): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement"] });
    return addOperator<R>(this, call, "Process", { kind: "process", fn: erased(fn) });
  }

  /**
   * Sends all records with the same key to the same subtask, which keeps state for each key.
   *
   * @param selector - Returns a string, finite number, bigint, boolean, or a tuple or plain object of them; always the
   *   same one for the same record.
   * @example
   * flights.keyBy((flight) => flight.origin);
   * flights.keyBy((flight) => [flight.origin, flight.destination]);
   */
  keyBy<const K>(selector: (value: T) => KeyOf<K>): KeyedStream<T, K> {
    checkFunction(userCall("keyBy"), selector, { methods: [], plain: "function" });
    const key = erased<Key>(selector);
    return new KeyedStream<T, K>(this.builder, partitioned(this, { kind: "hash", key }), this.type, key);
  }

  /**
   * Adds an operator of another package, or one without a method of its own.
   *
   * @internal
   */
  transform<R>(
    name: string,
    spec: TransformSpec,
    type?: Type<R>,
    call: UserCall = userCall("transform"),
  ): SingleOutputStreamOperator<R> {
    return addOperator<R>(this, call, name, spec, type);
  }

  /** All records of this stream and of the others. They need the same type; their order is not defined. */
  union(...streams: readonly DataStream<T>[]): DataStream<T> {
    checkStreams(userCall("union"), this.builder, streams);
    const all = [this, ...streams];
    const type = all.every((stream) => stream.type === this.type) ? this.type : undefined;
    return new DataStream<T>(
      this.builder,
      all.flatMap((stream) => stream.upstreams),
      type,
    );
  }

  /**
   * Groups all records by time, in one subtask.
   *
   * @example
   * flights.windowAll(TumblingEventTimeWindows.of("1 h")).maxBy("delay");
   */
  windowAll<A extends AnyWindowAssigner<T>>(assigner: A): AllWindowedStream<T, A> {
    return new AllWindowedStream<T, A>(this, windowingOf(userCall("windowAll"), assigner));
  }

  /** Groups all records by their number, in one subtask: see {@link KeyedStream.countWindow}. */
  countWindowAll(size: number, slide?: number): AllWindowedStream<T, GlobalWindows> {
    return new AllWindowedStream<T, GlobalWindows>(this, countWindowing(userCall("countWindowAll"), size, slide));
  }

  /** Feeds two streams of different types into one operator, which may keep state that both see. */
  connect<T2>(other: DataStream<T2>): ConnectedStreams<T, T2>;
  connect<T2>(other: BroadcastStream<T2>): BroadcastConnectedStream<T, T2>;
  connect<T2>(other: DataStream<T2> | BroadcastStream<T2>): ConnectedStreams<T, T2> | BroadcastConnectedStream<T, T2> {
    if (other instanceof BroadcastStream) return connectBroadcast<T, T2>(this, other);
    checkStreams(userCall("connect"), this.builder, [other]);
    return new ConnectedStreams<T, T2>(this, other);
  }

  /**
   * The start of a loop: all records of this stream, and those that go through it again, see {@link IterativeStream}.
   *
   * @param maxWaitTime - How long the loop waits for the next feedback once the inputs have ended. Without it the loop ends
   *   when it is empty.
   * @throws MillraceError `MR_DURATION_INVALID`, `MR_ARGUMENT_INVALID` when it is not above 0
   * @example
   * const iteration = numbers.iterate();
   * const lowered = iteration.map((n) => n - 1);
   * iteration.closeWith(lowered.filter((n) => n > 0));
   * lowered.filter((n) => n <= 0).print();
   */
  iterate(maxWaitTime?: Duration): IterativeStream<T> {
    const call = userCall("iterate");
    const head = iterationHead(call, maxWaitTime);
    return new IterativeStream<T>(this.builder, addHead(this, call, head), this.type);
  }

  /** Pairs records of both streams that have the same key and are in the same window. */
  join<T2>(other: DataStream<T2>): JoinedStreams<T, T2> {
    checkStreams(userCall("join"), this.builder, [other]);
    return new JoinedStreams<T, T2>(this, other);
  }

  /** Brings the records of both streams that have the same key and are in the same window into one call. */
  coGroup<T2>(other: DataStream<T2>): CoGroupedStreams<T, T2> {
    checkStreams(userCall("coGroup"), this.builder, [other]);
    return new CoGroupedStreams<T, T2>(this, other);
  }

  /**
   * Gives records their event time, replacing what the source gave them, and makes watermarks.
   *
   * @example
   * clicks.assignTimestampsAndWatermarks({ boundedOutOfOrderness: "5 s", timestamp: (click) => click.at });
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T> | WatermarkOptions<T>): SingleOutputStreamOperator<T> {
    const call = userCall("assignTimestampsAndWatermarks");
    checkStrategy(call, strategy);
    const spec: OperatorSpec = { kind: "timestamps", strategy: erased(toWatermarkStrategy(strategy)) };
    return addOperator<T>(this, call, "Timestamps/Watermarks", spec, this.type);
  }

  /** The partitions of a bounded stream as a whole: what each subtask gets, or on a keyed stream what each key has. */
  fullWindowPartition(): PartitionWindowedStream<T> {
    return new PartitionWindowedStream<T>(this, undefined, this.type);
  }

  /** Ends the stream in a sink. */
  sinkTo<C, S>(sink: Sink<T, C, S>): DataStreamSink<T> {
    const call = userCall("sinkTo");
    checkMembers(call, sink, ["createWriter"], "a Sink");
    return addSink(this, call, sink);
  }

  /**
   * Writes every record to standard output as a line: text as it is, everything else as JSON.
   *
   * @param prefix - Put before every line, with `> `.
   */
  print(prefix?: string): DataStreamSink<T> {
    const call = userCall("print");
    if (prefix !== undefined) checkText(call, prefix, "a prefix");
    return addSink(this, call, PrintSink.of<T>(prefix === undefined ? {} : { prefix }));
  }

  /** As {@link DataStream.print}, to standard error. */
  printToErr(prefix?: string): DataStreamSink<T> {
    const call = userCall("printToErr");
    if (prefix !== undefined) checkText(call, prefix, "a prefix");
    return addSink(this, call, PrintSink.of<T>({ ...(prefix === undefined ? {} : { prefix }), to: "error" }));
  }

  /**
   * Runs the pipeline and hands its records to this program.
   *
   * @param jobName - The name of the job; the configured one by default.
   * @returns The records, for one `for await`; leaving it early cancels the job.
   * @example
   * for await (const total of totals.executeAndCollect()) console.log(total);
   */
  executeAndCollect(jobName?: string): CollectedStream<T>;
  /** @returns The first `limit` records; the job is then cancelled. @example await totals.executeAndCollect(10); */
  executeAndCollect(limit: number): Promise<T[]>;
  executeAndCollect(jobName: string, limit: number): Promise<T[]>;
  executeAndCollect(nameOrLimit?: string | number, limit?: number): CollectedStream<T> | Promise<T[]> {
    const call = userCall("executeAndCollect");
    const name = typeof nameOrLimit === "number" ? undefined : nameOrLimit;
    const count = typeof nameOrLimit === "number" ? nameOrLimit : limit;
    if (name !== undefined) checkText(call, name, "a job name");
    if (count !== undefined && !(Number.isInteger(count) && count > 0)) {
      throw invalidArgument(call, describeValue(count), "a limit of at least 1", "Pass how many records to collect");
    }
    const queue = new AsyncQueue<T>();
    // One subtask keeps the order of a stream that has one.
    addSink(this, call, CollectSink.to(queue)).transformation.parallelism = 1;
    const collected = new CollectedStream<T>(queue, this.builder.execute(name, { isAttached: true }));
    return count === undefined ? collected : collected.toArray(count);
  }

  /** Spreads records evenly over the subtasks of the next operator, in turn. */
  rebalance(): DataStream<T> {
    return new DataStream<T>(this.builder, partitioned(this, { kind: "rebalance" }), this.type);
  }

  /** As {@link DataStream.rebalance}, but each subtask only feeds its share of the next ones. */
  rescale(): DataStream<T> {
    return new DataStream<T>(this.builder, partitioned(this, { kind: "rescale" }), this.type);
  }

  /** Sends each record to a random subtask of the next operator. */
  shuffle(): DataStream<T> {
    return new DataStream<T>(this.builder, partitioned(this, { kind: "shuffle" }), this.type);
  }

  /**
   * Sends each record to every subtask of the next operator. With descriptors: for `connect`, to a function that keeps what
   * it makes of the records in these maps, one copy a subtask.
   */
  broadcast(): DataStream<T>;
  broadcast(state: AnyMapState, ...states: readonly AnyMapState[]): BroadcastStream<T>;
  broadcast(...states: readonly AnyMapState[]): DataStream<T> | BroadcastStream<T> {
    if (states.length > 0) return broadcastStream<T>(this, states);
    return new DataStream<T>(this.builder, partitioned(this, { kind: "broadcast" }), this.type);
  }

  /** Sends all records to the first subtask of the next operator. */
  global(): DataStream<T> {
    return new DataStream<T>(this.builder, partitioned(this, { kind: "global" }), this.type);
  }

  /**
   * Sends each record where `partitioner` says.
   *
   * @param partitioner - Gets the record's key and the number of subtasks; returns one of them, counted from 0. Another
   *   number fails the job with `MR_PARTITION_INVALID`. Its key needs a type, because it comes before the selector.
   * @example
   * orders.partitionCustom((id: number, count) => id % count, (order) => order.id);
   */
  partitionCustom<K>(partitioner: (key: K, numPartitions: number) => number, selector: (value: T) => K): DataStream<T> {
    const call = userCall("partitionCustom");
    checkFunction(call, partitioner, { methods: [], plain: "function" });
    checkFunction(call, selector, { methods: [], plain: "function" });
    const partitioning: Partitioning = {
      kind: "custom",
      key: erased<Key>(selector),
      partition: erased<(key: unknown, count: number) => number>(partitioner),
    };
    return new DataStream<T>(this.builder, partitioned(this, partitioning), this.type);
  }

  /** Sends records to the next operator's subtask of the same number; both need the same parallelism. */
  forward(): DataStream<T> {
    return new DataStream<T>(this.builder, partitioned(this, { kind: "forward" }), this.type);
  }
}

/**
 * The results of one operator, which can be named and placed. The setters change the operator and return this stream.
 *
 * @example
 * totals.map((total) => total.count).name("counts").uid("counts").setParallelism(2);
 * @public
 */
export class SingleOutputStreamOperator<in out T> extends DataStream<T> {
  /** @internal */
  readonly transformation: Transformation;

  /** @internal */
  constructor(builder: PipelineBuilder, transformation: Transformation, type: Type<T> | undefined) {
    super(builder, [{ source: transformation, partitioning: undefined, sideOutput: undefined }], type);
    this.transformation = transformation;
  }

  /** What plans and metrics call the operator. @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty */
  name(name: string): this {
    checkText(userCall("name"), name, "a name");
    this.transformation.name = this.transformation.spec.kind === "source" ? `Source: ${name}` : name;
    return this;
  }

  /**
   * The identity of the operator's state across changes of the job: set it on everything that keeps state.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty
   */
  uid(uid: string): this {
    checkText(userCall("uid"), uid, "a uid");
    this.transformation.uid = uid;
    return this;
  }

  /**
   * Another identity under which checkpoints may hold the state: one that was generated, or a uid that has been given up. A
   * restore finds the state there; later checkpoints have it under the uid. Without a uid it is the uid.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty; the execution throws `MR_UID_DUPLICATE`
   * @example
   * numbers.map((n) => n + 1).uid("next").setUidHash("auto-3f9a1c0b7d5e2846");
   */
  setUidHash(uidHash: string): this {
    checkText(userCall("setUidHash"), uidHash, "an identity");
    this.transformation.uidHash = uidHash;
    return this;
  }

  /** @throws MillraceError `MR_PARALLELISM_INVALID` unless it is a whole number from 1 to 32768 */
  setParallelism(parallelism: number): this {
    checkParallelism(userCall("setParallelism"), parallelism, this.transformation.isNonParallel === true);
    this.transformation.parallelism = parallelism;
    return this;
  }

  /** Runs the operator in one subtask, always: another parallelism is refused from now on. */
  forceNonParallel(): this {
    this.transformation.parallelism = 1;
    this.transformation.isNonParallel = true;
    return this;
  }

  /** The operator's number of key groups. @throws MillraceError `MR_PARALLELISM_INVALID` as `setParallelism` */
  setMaxParallelism(maxParallelism: number): this {
    checkParallelism(userCall("setMaxParallelism"), maxParallelism);
    this.transformation.maxParallelism = maxParallelism;
    return this;
  }

  /** Never fuses the operator with its neighbours. */
  disableChaining(): this {
    this.transformation.chaining = "never";
    return this;
  }

  /** Does not fuse the operator with the one before it. */
  startNewChain(): this {
    this.transformation.chaining = "head";
    return this;
  }

  /**
   * Puts the operator and those that follow it into slots of their own: operators of different groups never share a slot,
   * so a thread with heavy work holds nobody else up. A job needs as many slots as its groups have together. Without a call
   * an operator is in the group of its inputs, and in "default" when they differ.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the name is empty
   */
  slotSharingGroup(name: string): this {
    checkText(userCall("slotSharingGroup"), name, "a slot sharing group");
    this.transformation.slotSharingGroup = name;
    return this;
  }

  /**
   * What the operator emits to `tag`: in a process function, as late records of a window, or the unreadable records of a
   * source.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the operator can emit nothing to it
   */
  getSideOutput<X>(tag: OutputTag<X>): DataStream<X> {
    const call = userCall("getSideOutput");
    checkTag(call, tag);
    checkSideOutput(call, this.transformation.spec, tag.id);
    const upstream: Upstream = { source: this.transformation, partitioning: undefined, sideOutput: tag.id };
    return new DataStream<X>(this.builder, [upstream], tag.type);
  }

  /** The same stream with its type declared, which makes its state and its exchanges smaller and checked. */
  returns(type: Type<T>): SingleOutputStreamOperator<T> {
    checkType(userCall("returns"), type);
    return new SingleOutputStreamOperator<T>(this.builder, this.transformation, type);
  }
}

/**
 * The start of a loop. Operators between it and `closeWith` see records again and again, until they leave by another way.
 *
 * As in Flink, what is fed back keeps its timestamp but brings no watermark, so it may be late in the loop; and what is on
 * its way through the loop is in no checkpoint. A job with an iteration is therefore refused when it takes checkpoints, unless
 * that is forced.
 * @public
 */
export class IterativeStream<in out T> extends SingleOutputStreamOperator<T> {
  readonly #tails: Transformation[] = [];
  #isConnected = false;

  /**
   * Feeds the records of a stream back to the start of the loop, in the loop's parallelism. May be called for several streams.
   *
   * @returns The same stream.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the stream does not come from this loop; the execution throws
   *   `MR_ITERATION_NOT_CLOSED` when nothing is fed back
   */
  closeWith(feedback: DataStream<T>): DataStream<T> {
    const call = userCall("closeWith");
    if (this.#isConnected) throw closedTwice(call);
    this.#tails.push(addTail(call, this, feedback));
    return feedback;
  }

  /**
   * A loop whose feedback has a type of its own: an operator of two inputs gets the records of this stream as the first
   * and what is fed back as the second, see {@link ConnectedIterativeStreams}.
   *
   * @param type - What the feedback's records are; without it the runtime learns the shapes it sees.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the loop has been closed, or it is no type
   */
  withFeedbackType<F>(type?: Type<F>): ConnectedIterativeStreams<T, F> {
    const call = userCall("withFeedbackType");
    if (type !== undefined) checkType(call, type);
    if (this.#isConnected || this.#tails.length > 0) throw closedTwice(call);
    this.#isConnected = true;
    const close = (at: UserCall, feedback: DataStream<F>): void => void this.#tails.push(addTail(at, this, feedback));
    const second = new DataStream<F>(this.builder, [feedbackOf(this)], type);
    return new ConnectedIterativeStreams<T, F>(this, second, close);
  }

  override setParallelism(parallelism: number): this {
    super.setParallelism(parallelism);
    for (const tail of this.#tails) tail.parallelism = parallelism;
    return this;
  }
}

/** A stream whose records are partitioned by a key of type `K`. @public */
export class KeyedStream<in out T, K> extends DataStream<T> {
  /** @internal */
  readonly key: Key;
  /** Phantom: the type of the keys. */
  declare readonly _key?: K | undefined;

  /** @internal */
  constructor(builder: PipelineBuilder, upstreams: readonly Upstream[], type: Type<T> | undefined, key: Key) {
    super(builder, upstreams, type);
    this.key = key;
  }

  /**
   * Full access to a record with keyed state and timers of its key.
   *
   * @example
   * class CountPerUser implements KeyedProcessFunction<string, Click, number> {
   *   private count!: ValueState<number>;
   *   open(context: RuntimeContext): void {
   *     this.count = context.getState(valueState("count", t.int32));
   *   }
   *   processElement(_click: Click, _context: KeyedProcessContext<string>, out: Collector<number>): void {
   *     const count = (this.count.value() ?? 0) + 1;
   *     this.count.update(count);
   *     out.collect(count);
   *   }
   * }
   * clicks.keyBy((click) => click.user).process(new CountPerUser()).uid("count-per-user");
   */
  override process<R>(
    fn: KeyedProcessFunction<K, T, R> & Synchronous<"processElement" | "onTimer">,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement"], optional: ["onTimer"] });
    return addOperator<R>(this, call, "KeyedProcess", { kind: "keyedProcess", key: this.key, fn: erased(fn) });
  }

  /** With a stream of the same keys the operator is keyed too; with another stream it is not. */
  override connect<T2>(other: KeyedStream<T2, K>): KeyedConnectedStreams<K, T, T2>;
  override connect<T2>(other: DataStream<T2>): ConnectedStreams<T, T2>;
  override connect<T2>(other: BroadcastStream<T2>): KeyedBroadcastConnectedStream<K, T, T2>;
  override connect<T2>(
    other: DataStream<T2> | BroadcastStream<T2>,
  ): ConnectedStreams<T, T2> | KeyedBroadcastConnectedStream<K, T, T2> {
    if (other instanceof BroadcastStream) return connectKeyedBroadcast<K, T, T2>(this, other);
    checkStreams(userCall("connect"), this.builder, [other]);
    return other instanceof KeyedStream
      ? new KeyedConnectedStreams<K, T, T2>(this, other)
      : new ConnectedStreams<T, T2>(this, other);
  }

  override fullWindowPartition(): PartitionWindowedStream<T> {
    return new PartitionWindowedStream<T>(this, this.key, this.type);
  }

  /**
   * Folds the records of each key into one and emits the running value for every record. The function must not change
   * its arguments.
   *
   * @example
   * orders.keyBy((order) => order.user).reduce((sum, order) => ({ ...sum, price: sum.price + order.price }));
   */
  reduce(fn: ((accumulated: T, value: T) => T) | ReduceFunction<T>): SingleOutputStreamOperator<T> {
    const call = userCall("reduce");
    checkFunction(call, fn, { methods: ["reduce"], plain: "function" });
    return this.#rolling(call, "Keyed Reduce", fn);
  }

  /** The running sum of a field. The other fields are those of the key's first record. @example flights.keyBy((f) => f.origin).sum("delay") */
  sum(field: FieldOf<T, Summable>): SingleOutputStreamOperator<T> {
    const call = userCall("sum");
    return this.#rolling(call, "Keyed Aggregation", sumOf(call, field));
  }

  /** The running minimum of a field. The other fields are those of the key's first record. */
  min(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("min");
    return this.#rolling(call, "Keyed Aggregation", extremeOf(call, field, "min"));
  }

  /** The running maximum of a field. The other fields are those of the key's first record. */
  max(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("max");
    return this.#rolling(call, "Keyed Aggregation", extremeOf(call, field, "max"));
  }

  /** The whole record with the smallest field so far; among equal ones the first, or the last. */
  minBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("minBy");
    return this.#rolling(call, "Keyed Aggregation", extremeRecordOf(call, field, "min", first));
  }

  /** The whole record with the largest field so far; among equal ones the first, or the last. */
  maxBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("maxBy");
    return this.#rolling(call, "Keyed Aggregation", extremeRecordOf(call, field, "max", first));
  }

  /**
   * Groups the records of each key by time.
   *
   * @example
   * flights.keyBy((flight) => flight.origin).window(TumblingEventTimeWindows.of("1 h")).maxBy("delay");
   */
  window<A extends AnyWindowAssigner<T>>(assigner: A): WindowedStream<T, K, A> {
    return new WindowedStream<T, K, A>(this, windowingOf(userCall("window"), assigner));
  }

  /**
   * Groups the records of each key by their number: emits after every `size` records of a key; with a `slide` after every
   * `slide` records, and has the last `size` of them. Records that are left at the end of the input do not come out.
   *
   * @throws MillraceError `MR_WINDOW_COUNT_INVALID` unless both are whole numbers from 1
   * @example
   * orders.keyBy((order) => order.user).countWindow(100).sum("price");
   */
  countWindow(size: number, slide?: number): WindowedStream<T, K, GlobalWindows> {
    return new WindowedStream<T, K, GlobalWindows>(this, countWindowing(userCall("countWindow"), size, slide));
  }

  /** Pairs each record with the records of `other` that have its key and a timestamp in an interval around its own. */
  intervalJoin<T2>(other: KeyedStream<T2, K>): IntervalJoin<IntervalJoined<T, T2>> {
    const call = userCall("intervalJoin");
    checkStreams(call, this.builder, [other]);
    if (!(other instanceof KeyedStream))
      throw invalidArgument(call, "a stream without keys", "a keyed stream", "Call keyBy on it");
    return new IntervalJoin((interval) => new IntervalJoined<T, T2>(this, other, interval));
  }

  #rolling(call: UserCall, name: string, fn: unknown): SingleOutputStreamOperator<T> {
    const type = erased<Type<unknown> | undefined>(this.type);
    const spec: OperatorSpec = { kind: "keyedReduce", key: this.key, fn: erased(fn), type, label: call.method };
    return addOperator<T>(this, call, name, spec, this.type);
  }
}

/** Everything a job is written with. */
import type { JobArguments } from "./api/job-arguments.ts";
import type { StreamExecutionEnvironment } from "./stream-execution-environment.ts";

export { CheckpointConfig } from "./api/checkpoint-config.ts";
export { CollectedStream } from "./api/collected-stream.ts";
export {
  ConnectedStreams,
  DataStream,
  KeyedConnectedStreams,
  KeyedStream,
  SingleOutputStreamOperator,
  WindowedStream,
} from "./api/data-stream.ts";
export { DataStreamSink } from "./api/data-stream-sink.ts";
export { DataStreamSource } from "./api/data-stream-source.ts";
export { JobArguments, parseJobArguments } from "./api/job-arguments.ts";
export type { JobClient, JobExecutionResult, JobProgress, JobStatus } from "./api/job-client.ts";
export type { AggregateFunctionFor, AggregateOptions, MergingAggregateFunction } from "./api/window-specs.ts";
export { BinaryReader } from "./base/binary-reader.ts";
export { BinaryWriter } from "./base/binary-writer.ts";
export { type Duration, durationMs } from "./base/duration.ts";
export { type ErrorParts, type ErrorWhere, MillraceError } from "./base/errors.ts";
export { type ConfigLayer, Configuration } from "./config/configuration.ts";
export type { ConfigEntry } from "./config/option-registry.ts";
export { type CollectReceiver, CollectSink } from "./connectors/collect-sink.ts";
export { CollectionSource } from "./connectors/collection-source.ts";
export { DiscardingSink } from "./connectors/discarding-sink.ts";
export { type DataGeneratorOptions, DataGeneratorSource, type GeneratorFunction } from "./connectors/generator-source.ts";
export { PrintSink, type PrintSinkOptions } from "./connectors/print-sink.ts";
export { NumberSequenceSource } from "./connectors/sequence-source.ts";
export type { Committer, Sink, SinkWriteContext, SinkWriter, WriterInitContext } from "./connectors/sink.ts";
export type {
  Boundedness,
  InputStatus,
  PoisonRecord,
  ReaderOutput,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "./connectors/source.ts";
export type { Counter } from "./metrics/counter.ts";
export type { Gauge, GaugeValue } from "./metrics/gauge.ts";
export type { Histogram } from "./metrics/histogram.ts";
export type { Meter } from "./metrics/meter.ts";
export type { MetricGroup } from "./metrics/metric-group.ts";
export type {
  AggregateFunction,
  CoFlatMapFunction,
  Collector,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeySelector,
  MapFunction,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
  ReduceFunction,
  RichFunction,
  RuntimeContext,
  TimerService,
  WindowResultFunction,
} from "./operators/functions.ts";
export { OutputTag } from "./operators/output-tag.ts";
export type { Clock, LocalFs, OpenFile, Platform, Random } from "./platform/platform.ts";
export { FileSystemError } from "./platform/platform.ts";
export type { ListState, MapState, ValueState } from "./state/keyed-state.ts";
export {
  type ListStateDescriptor,
  listState,
  type MapStateDescriptor,
  mapState,
  type ValueStateDescriptor,
  valueState,
} from "./state/state-descriptors.ts";
export { StreamExecutionEnvironment } from "./stream-execution-environment.ts";
export { EventTimeSessionWindows } from "./time/session-windows.ts";
export { SlidingEventTimeWindows } from "./time/sliding-windows.ts";
export { TimeWindow } from "./time/time-window.ts";
export { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP } from "./time/timestamps.ts";
export { TumblingEventTimeWindows } from "./time/tumbling-windows.ts";
export type { WatermarkOptions } from "./time/watermark-options.ts";
export {
  type TimestampAssigner,
  type WatermarkGenerator,
  type WatermarkOutput,
  WatermarkStrategy,
} from "./time/watermark-strategy.ts";
export type { SessionAssigner, SlidingAssigner, TumblingAssigner, WindowAssigner } from "./time/window-assigner.ts";
export { t } from "./types/declared-types.ts";
export type { Infer, Schema, SchemaField, Serializer, Type } from "./types/type.ts";

/**
 * What a job module's default export is.
 *
 * @example
 * export default function job(env: StreamExecutionEnvironment, args: JobArguments): void {
 *   env.fromSequence(1, 10).print();
 * }
 * @public
 */
export type Job = (env: StreamExecutionEnvironment, args: JobArguments) => void | Promise<void>;

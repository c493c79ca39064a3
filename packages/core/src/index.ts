/** Everything a job is written with. */
import type { JobArguments } from "./api/job-arguments.ts";
import type { StreamExecutionEnvironment } from "./stream-execution-environment.ts";

export { AllWindowedStream, type AllWindowResult } from "./api/all-windowed-stream.ts";
export { AsyncDataStream } from "./api/async-data-stream.ts";
export {
  BroadcastConnectedStream,
  BroadcastStream,
  KeyedBroadcastConnectedStream,
} from "./api/broadcast-stream.ts";
export { CheckpointConfig, ExternalizedCheckpointCleanup } from "./api/checkpoint-config.ts";
export {
  type CheckpointStorageConfiguration,
  FileSystemCheckpointStorage,
  JobManagerCheckpointStorage,
} from "./api/checkpoint-storages.ts";
export { CoGroupedEqualTo, CoGroupedStreams, CoGroupedWhere, CoGroupedWithWindow } from "./api/co-grouped-streams.ts";
export { CollectedStream } from "./api/collected-stream.ts";
export { ConnectedIterativeStreams, ConnectedStreams, KeyedConnectedStreams } from "./api/connected-streams.ts";
export { DataStream, IterativeStream, KeyedStream, SingleOutputStreamOperator } from "./api/data-stream.ts";
export { DataStreamSink } from "./api/data-stream-sink.ts";
export { DataStreamSource, DEAD_LETTERS, type DeadLetter } from "./api/data-stream-source.ts";
export type { PipelineEnvironment } from "./api/environment.ts";
export { FieldAggregatedWindows } from "./api/field-aggregated-stream.ts";
export type { FieldOf, Orderable, Summable } from "./api/field-aggregations.ts";
export { IntervalJoin, IntervalJoinSettings } from "./api/interval-join.ts";
export { IntervalJoined } from "./api/interval-joined-stream.ts";
export { JobArguments, parseJobArguments } from "./api/job-arguments.ts";
export type { JobClient, JobProgress, JobStatus, TaskProgress } from "./api/job-client.ts";
export { JobExecutionResult } from "./api/job-execution-result.ts";
export type { JobListener } from "./api/job-listener.ts";
export { JoinedEqualTo, JoinedStreams, JoinedWhere, JoinedWithWindow } from "./api/joined-streams.ts";
export type { KeyNotAllowed, KeyOf } from "./api/key-types.ts";
export { PairedWindows } from "./api/paired-streams.ts";
export { type Order, PartitionWindowedStream, type SortKey } from "./api/partition-windowed-stream.ts";
export type { ProjectableField, Projected } from "./api/projection.ts";
export { RestartStrategies, type RestartStrategyConfiguration } from "./api/restart-strategies.ts";
export {
  EmbeddedRocksDBStateBackend,
  FsStateBackend,
  HashMapStateBackend,
  MemoryStateBackend,
  RocksDBStateBackend,
  type StateBackendConfiguration,
} from "./api/state-backends.ts";
export type { Nothing, ObjectOnly, Synchronous } from "./api/synchronous.ts";
export type { AggregateFunctionFor, AggregateOptions, MergingAggregateFunction } from "./api/window-specs.ts";
export { WindowedStream, type WindowResult } from "./api/windowed-stream.ts";
export { BinaryReader } from "./base/binary-reader.ts";
export { BinaryWriter } from "./base/binary-writer.ts";
export { type Duration, durationMs } from "./base/duration.ts";
export { type ErrorParts, type ErrorWhere, MillraceError } from "./base/errors.ts";
export type { FileSystemContext, FileSystemFactory } from "./checkpoint/file-system-factory.ts";
export type { SavepointFormatType } from "./checkpoint/state-handles.ts";
export type { CachedFile } from "./config/cached-files.ts";
export {
  type CheckpointingOptionNames,
  CheckpointingOptions,
  type CommonCheckpointingOptionNames,
  type ExecutionCheckpointingOptionNames,
  ExecutionCheckpointingOptions,
} from "./config/checkpointing-option-names.ts";
export {
  ALIGNED_CHECKPOINT_TIMEOUT,
  CHECKPOINT_STORAGE,
  CHECKPOINT_WRITE_BUFFER_SIZE,
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_ITERATIONS_FORCED,
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  CHECKPOINTING_MODE,
  CHECKPOINTING_TIMEOUT,
  CHECKPOINTING_TOLERABLE_FAILURES,
  CHECKPOINTS_AFTER_TASKS_FINISH,
  CHECKPOINTS_DIRECTORY,
  CheckpointingMode,
  type CheckpointStorageType,
  CREATE_CHECKPOINT_SUBDIRECTORY,
  DATA_INLINE_THRESHOLD,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  type ExternalizedCheckpointRetention,
  INCREMENTAL_CHECKPOINTS,
  JOBMANAGER_STORAGE_MAX_STATE_SIZE,
  LOCAL_BACKUP_DIRECTORIES,
  LOCAL_BACKUP_ENABLED,
  RETAINED_CHECKPOINTS,
  SAVEPOINT_DIRECTORY,
  UNALIGNED_CHECKPOINTS,
  UNALIGNED_FORCED,
} from "./config/checkpointing-options.ts";
export { Configuration } from "./config/configuration.ts";
export {
  BUFFER_TIMEOUT,
  BUFFER_TIMEOUT_ENABLED,
  EXECUTION_TARGET,
  type ExecutionTarget,
  RUNTIME_MODE,
  type RuntimeExecutionMode,
} from "./config/execution-options.ts";
export {
  ALLOWED_PREFIXES,
  FILE_SYSTEM_PACKAGES,
  HDFS_ATTEMPTS,
  HDFS_REQUEST_TIMEOUT,
  HDFS_USER,
  S3_ACCESS_KEY,
  S3_ATTEMPTS,
  S3_CONCURRENT_UPLOADS,
  S3_ENDPOINT,
  S3_PATH_STYLE_ACCESS,
  S3_REGION,
  S3_REQUEST_TIMEOUT,
  S3_SECRET_KEY,
  S3_SESSION_TOKEN,
  S3_UPLOAD_PART_SIZE,
  WEBHDFS_ADDRESSES,
} from "./config/file-system-options.ts";
export type { ConfigOption } from "./config/option.ts";
export type { ConfigEntry, ConfigLayer } from "./config/option-registry.ts";
export {
  AUTO_GENERATE_UIDS,
  AUTO_WATERMARK_INTERVAL,
  CACHED_FILES,
  DEFAULT_PARALLELISM,
  MAX_PARALLELISM_LIMIT,
  OBJECT_REUSE,
  OPERATOR_CHAINING,
  PIPELINE_MAX_PARALLELISM,
  PIPELINE_NAME,
} from "./config/pipeline-options.ts";
export {
  IGNORE_UNCLAIMED_STATE,
  RECOVERY_FROM_LOCAL,
  type RecoveryClaimMode,
  STATE_RECOVERY_CLAIM_MODE,
  STATE_RECOVERY_PATH,
} from "./config/recovery-options.ts";
export {
  EXPONENTIAL_DELAY_ATTEMPTS,
  EXPONENTIAL_DELAY_INITIAL_BACKOFF,
  EXPONENTIAL_DELAY_JITTER,
  EXPONENTIAL_DELAY_MAX_BACKOFF,
  EXPONENTIAL_DELAY_MULTIPLIER,
  EXPONENTIAL_DELAY_RESET_THRESHOLD,
  FAILOVER_STRATEGY,
  FAILURE_RATE_DELAY,
  FAILURE_RATE_INTERVAL,
  FAILURE_RATE_MAX_FAILURES,
  type FailoverStrategy,
  FIXED_DELAY_ATTEMPTS,
  FIXED_DELAY_DELAY,
  RESTART_STRATEGY_TYPE,
  type RestartStrategyType,
} from "./config/restart-options.ts";
export { MAX_FUTURE_SKEW, POISON_RECORDS, type PoisonRecordPolicy } from "./config/source-options.ts";
export {
  OBJECT_CACHE_ENTRIES,
  ROCKSDB_LOCAL_DIRECTORY,
  STATE_BACKEND_TYPE,
  type StateBackendType,
} from "./config/state-options.ts";
export {
  MANAGED_MEMORY_SIZE,
  OBJECT_CACHE_SIZE,
  ROCKSDB_HIGH_PRIORITY_RATIO,
  ROCKSDB_MEMORY_MANAGED,
  ROCKSDB_MEMORY_PER_SLOT,
  ROCKSDB_WRITE_BUFFER_RATIO,
} from "./config/store-memory-options.ts";
export { AsyncSinkBase } from "./connectors/async-sink.ts";
export type { AsyncSinkClient, AsyncSinkLimits, AsyncSinkWriter } from "./connectors/async-sink-writer.ts";
export { type CollectReceiver, CollectSink } from "./connectors/collect-sink.ts";
export { CollectionSource } from "./connectors/collection-source.ts";
export { DiscardingSink } from "./connectors/discarding-sink.ts";
export {
  type DataGeneratorOptions,
  DataGeneratorSource,
  type GeneratorFunction,
} from "./connectors/generator-source.ts";
export type { HybridEnumeratorState } from "./connectors/hybrid/hybrid-enumerator.ts";
export {
  HybridSource,
  HybridSourceBuilder,
  type SourceFactory,
  type SourceSwitchContext,
} from "./connectors/hybrid/hybrid-source.ts";
export type { HybridSplit } from "./connectors/hybrid/hybrid-split.ts";
export { PrintSink, type PrintSinkOptions } from "./connectors/print-sink.ts";
export {
  AIMDScalingStrategy,
  type AimdOptions,
  type CongestionControlOptions,
  CongestionControlRateLimitingStrategy,
  type RateLimitingStrategy,
} from "./connectors/rate-limiting.ts";
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
export type {
  StallCause,
  StallCauseKind,
  StallExplanation,
  StallFinding,
  StallHop,
  StallPlace,
} from "./graph/stall/stall-explanation.ts";
export type { Counter } from "./metrics/counter.ts";
export type { Gauge, GaugeValue } from "./metrics/gauge.ts";
export type { Histogram } from "./metrics/histogram.ts";
export type { Meter } from "./metrics/meter.ts";
export type { MetricGroup } from "./metrics/metric-group.ts";
export type { MetricSnapshot } from "./metrics/metric-snapshot.ts";
export type { MetricValue } from "./metrics/metric-value.ts";
export type { Accumulator, SimpleAccumulator } from "./operators/accumulators/accumulator.ts";
export { AverageAccumulator } from "./operators/accumulators/average-accumulator.ts";
export { DoubleCounter, IntCounter, LongCounter } from "./operators/accumulators/counters.ts";
export {
  DoubleMaximum,
  DoubleMinimum,
  Extreme,
  IntMaximum,
  IntMinimum,
  LongMaximum,
  LongMinimum,
} from "./operators/accumulators/extremes.ts";
export { HistogramAccumulator } from "./operators/accumulators/histogram-accumulator.ts";
export { ListAccumulator } from "./operators/accumulators/list-accumulator.ts";
export type {
  AsyncContext,
  AsyncFunction,
  AsyncMapFunction,
  AsyncOptions,
} from "./operators/async/async-functions.ts";
export {
  type AsyncRetryConditions,
  AsyncRetryStrategies,
  type AsyncRetryStrategy,
} from "./operators/async/async-retry.ts";
export type {
  BroadcastContext,
  BroadcastOnTimerContext,
  BroadcastProcessFunction,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedReadOnlyContext,
  ReadOnlyContext,
  ReadsBroadcastState,
  StateOf,
} from "./operators/broadcast/broadcast-functions.ts";
export type {
  CheckpointedFunction,
  FunctionInitializationContext,
  FunctionSnapshotContext,
  ListCheckpointed,
} from "./operators/checkpointed-function.ts";
export { DistributedCache } from "./operators/distributed-cache.ts";
export type {
  AccumulatorStore,
  AggregateFunction,
  AllWindowFunction,
  AsyncNotAllowedHere,
  CoFlatMapFunction,
  CoGroupFunction,
  Collector,
  CoMapFunction,
  CoProcessFunction,
  FilterFunction,
  FlatJoinFunction,
  FlatMapFunction,
  JoinFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedStateStore,
  KeySelector,
  MapFunction,
  MapPartitionFunction,
  OnTimerContext,
  ProcessAllWindowFunction,
  ProcessContext,
  ProcessFunction,
  ProcessJoinContext,
  ProcessJoinFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
  ReduceFunction,
  RichFunction,
  RuntimeContext,
  Sync,
  TimerService,
  WindowFunction,
  WindowResultFunction,
} from "./operators/functions.ts";
export { OutputTag } from "./operators/output-tag.ts";
export {
  type PreCommittedTransaction,
  TwoPhaseCommitSinkFunction,
} from "./operators/two-phase-commit-sink-function.ts";
export type { TaggedUnion } from "./operators/window/co-group-window-function.ts";
export type { AnyWindowAssigner, WindowOf } from "./operators/window/element-assigner.ts";
export { CountEvictor } from "./operators/window/evictors/count-evictor.ts";
export { DeltaEvictor } from "./operators/window/evictors/delta-evictor.ts";
export {
  type Evictor,
  type EvictorContext,
  evictWhere,
  type TimestampedValue,
} from "./operators/window/evictors/evictor.ts";
export { TimeEvictor } from "./operators/window/evictors/time-evictor.ts";
export { ContinuousEventTimeTrigger } from "./operators/window/triggers/continuous-event-time-trigger.ts";
export { ContinuousProcessingTimeTrigger } from "./operators/window/triggers/continuous-processing-time-trigger.ts";
export { CountTrigger } from "./operators/window/triggers/count-trigger.ts";
export { type DeltaFunction, DeltaTrigger } from "./operators/window/triggers/delta-trigger.ts";
export { EventTimeTrigger } from "./operators/window/triggers/event-time-trigger.ts";
export { EndOfStreamTrigger, NeverTrigger } from "./operators/window/triggers/global-window-triggers.ts";
export { ProcessingTimeTrigger } from "./operators/window/triggers/processing-time-trigger.ts";
export { ProcessingTimeoutTrigger } from "./operators/window/triggers/processing-timeout-trigger.ts";
export { PurgingTrigger } from "./operators/window/triggers/purging-trigger.ts";
export {
  type OnMergeContext,
  Trigger,
  type TriggerContext,
  TriggerResult,
} from "./operators/window/triggers/trigger.ts";
export {
  MergingWindowAssigner,
  WindowAssigner,
  type WindowAssignerContext,
} from "./operators/window/window-assigner.ts";
export type { ByteSource, FileSystem, ReadableFile } from "./platform/file-system.ts";
export type {
  Cancel,
  Clock,
  FileStat,
  LocalFs,
  OpenFile,
  OpenMode,
  Packages,
  Platform,
  Proc,
  Random,
  WorkerHandle,
  Workers,
} from "./platform/platform.ts";
export { FileSystemError } from "./platform/platform.ts";
export type {
  Connection,
  DialOptions,
  Listener,
  ListenOptions,
  NetworkAddress,
  Transport,
} from "./platform/transport.ts";
export { NetworkError } from "./platform/transport.ts";
export type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./state/keyed-state.ts";
export type { BroadcastState, OperatorStateStore, ReadOnlyBroadcastState } from "./state/operator-state.ts";
export {
  AggregatingStateDescriptor,
  aggregatingState,
  type KeyedStateDescriptor,
  type KeyedStateKind,
  ListStateDescriptor,
  listState,
  MapStateDescriptor,
  mapState,
  ReducingStateDescriptor,
  reducingState,
  type StateAggregateFunction,
  StateDescriptor,
  type StateReduceFunction,
  ValueStateDescriptor,
  valueState,
} from "./state/state-descriptors.ts";
export {
  StateTtlConfig,
  StateTtlConfigBuilder,
  type TtlCleanup,
  type TtlStateVisibility,
  type TtlUpdateType,
} from "./state/state-ttl-config.ts";
export { type JobModuleOptions, StreamExecutionEnvironment } from "./stream-execution-environment.ts";
export {
  DynamicEventTimeSessionWindows,
  DynamicProcessingTimeSessionWindows,
  type SessionWindowTimeGapExtractor,
} from "./time/dynamic-session-windows.ts";
export { GlobalWindows } from "./time/global-windows.ts";
export { EventTimeSessionWindows, ProcessingTimeSessionWindows } from "./time/session-windows.ts";
export { SlidingEventTimeWindows, SlidingProcessingTimeWindows } from "./time/sliding-windows.ts";
export { TimeWindow } from "./time/time-window.ts";
export { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP } from "./time/timestamps.ts";
export { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "./time/tumbling-windows.ts";
export type { WatermarkOptions } from "./time/watermark-options.ts";
export {
  type TimestampAssigner,
  type WatermarkGenerator,
  type WatermarkOutput,
  WatermarkStrategy,
} from "./time/watermark-strategy.ts";
export { GlobalWindow, type Window } from "./time/window.ts";
export type {
  AssignsWindows,
  BuiltInAssigner,
  DynamicSessionAssigner,
  GlobalAssigner,
  SessionAssigner,
  SlidingAssigner,
  SpanAssigner,
  TumblingAssigner,
} from "./time/window-assigner.ts";
export { WindowStagger } from "./time/window-stagger.ts";
export {
  type JsonValue,
  type ObjectFields,
  type ObjectOf,
  type OptionalField,
  type RequiredField,
  type TypeBuilders,
  t,
} from "./types/declared-types.ts";
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

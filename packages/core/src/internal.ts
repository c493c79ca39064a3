/**
 * What Millrace's own packages share below the public API. No promises to anybody else.
 */

export { checkFunction, checkMembers, checkText, describeValue, invalidArgument } from "./api/argument-checks.ts";
export { type UserCall, userCall } from "./api/call-site.ts";
export { PipelineEnvironment } from "./api/environment.ts";
export { erased } from "./api/erased.ts";
export type { JobProgress, JobStatus, TaskProgress } from "./api/job-client.ts";
export { checkTag } from "./api/stream-checks.ts";
export { BinaryReader } from "./base/binary-reader.ts";
export { BinaryWriter } from "./base/binary-writer.ts";
export { crc32c } from "./base/crc32c.ts";
export { type ErrorMessage, fromErrorMessage, toErrorMessage } from "./base/error-message.ts";
export type { ErrorParts, ErrorWhere } from "./base/errors.ts";
export { InvariantViolation, invariant, MillraceError, unreachable } from "./base/errors.ts";
export { FrameDecoder } from "./base/frame.ts";
export { toHex, u32Hex } from "./base/hex.ts";
export { sha256Hex } from "./base/sha256.ts";
export { loadCheckpoint } from "./checkpoint/checkpoint-reader.ts";
export type {
  CheckpointHistoryReport,
  CheckpointStatistics,
  SubtaskCheckpointStatistics,
  TaskCheckpointStatistics,
} from "./checkpoint/checkpoint-statistics.ts";
export { disposeSavepoint } from "./checkpoint/dispose-savepoint.ts";
export { makeDirectoryDurably, replaceFileDurably } from "./checkpoint/durable-directory.ts";
export type { FileSystemContext, FileSystemFactory } from "./checkpoint/file-system-factory.ts";
export { FileSystems } from "./checkpoint/file-systems.ts";
export { decodeMetadata } from "./checkpoint/metadata-codec.ts";
export { type NumberSummary, summarize } from "./checkpoint/number-summary.ts";
export { decodeOperatorLists } from "./checkpoint/operator-lists.ts";
export { sharedFilesOf, snapshotHandlesOf } from "./checkpoint/snapshot-files.ts";
export type { CheckpointMetadata, StateHandle } from "./checkpoint/state-handles.ts";
export { JobManager } from "./cluster/job-manager.ts";
export type * from "./cluster/job-manager-api.ts";
export { TaskManager } from "./cluster/task-manager.ts";
export { startJobManager, startTaskManager } from "./cluster-processes.ts";
export { generateChain } from "./codegen/chain-source.ts";
export { isSecretKey } from "./config/all-options.ts";
export {
  HA_STORAGE_DIR,
  JOBMANAGER_BIND_HOST,
  JOBMANAGER_RPC_ADDRESS,
  JOBMANAGER_RPC_PORT,
  PROCESS_WORKING_DIR,
  TASK_SLOTS,
  TASKMANAGER_BIND_HOST,
  TASKMANAGER_DATA_PORT,
  TASKMANAGER_HOST,
  TASKMANAGER_RESOURCE_ID,
} from "./config/cluster-options.ts";
export { type ConfigEntry, HIDDEN_CONTENT, type LayeredEntry } from "./config/option-registry.ts";
export * from "./config/rest-options.ts";
export { Availability } from "./connectors/availability.ts";
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
export type { ExecutionSettings } from "./deployment/execution-settings.ts";
export { type GraphLock, lockOf, lostState, lostUids, parseLock } from "./deployment/graph-lock.ts";
export { checkAgainst, type OperatorCheck, type RestoreCheck } from "./deployment/restore-check.ts";
export type { StateCheck } from "./deployment/state-check.ts";
export { EmbeddedJob } from "./embedded/embedded-job.ts";
export { decodeWireMessage, WIRE_PAYLOAD_BYTES_MAX } from "./exchange/wire/wire-message.ts";
export { buildJobGraph } from "./graph/build-job-graph.ts";
export type { JobPlan } from "./graph/describe.ts";
export { explainJobGraph, renderPlan } from "./graph/explain.ts";
export { graphOptionsOf } from "./graph/graph-options.ts";
export { type KvFiles, MemoryKvFiles } from "./kv/kv-files.ts";
export { compareBytes, KvBatch, KvEntryCursor, packEntry, packKey } from "./kv/kv-packing.ts";
export { MemorySortedKv, type MemorySortedKvOptions } from "./kv/memory-sorted-kv.ts";
export {
  type ColumnFamily,
  KV_ABSENT,
  KV_ENTRY_HEADER_BYTES,
  KV_EXPIRY_BYTES,
  KV_OP,
  KV_OP_HEADER_BYTES,
  KV_PAGE_HEADER_BYTES,
  type KvFile,
  type KvProperty,
  type SortedFileWriter,
  type SortedKv,
} from "./kv/sorted-kv.ts";
export type { MetricSnapshot } from "./metrics/metric-snapshot.ts";
export { cloneFunction, invokeClose, invokeOpen } from "./operators/clone-function.ts";
export type { OperatorHost } from "./operators/operator-runtime.ts";
export type { TransformSpec } from "./operators/operator-spec.ts";
export { StreamOperator } from "./operators/stream-operator.ts";
export { type DiskEffect, type EffectVerdict, HEALTHY_DISK } from "./platform/disk-faults.ts";
export type { ByteSource, FileSystem, ReadableFile } from "./platform/file-system.ts";
export { HEALTHY_NETWORK, type LinkConditions } from "./platform/network-faults.ts";
export { createNodePlatform } from "./platform/node-platform.ts";
export type {
  Clock,
  FileStat,
  LocalFs,
  OpenFile,
  OpenMode,
  Platform,
  Random,
  WorkerHandle,
  WorkerScope,
  Workers,
} from "./platform/platform.ts";
export { FileSystemError } from "./platform/platform.ts";
export { refuseProcessExit } from "./platform/process-exit.ts";
export { type RetryLimits, retrying } from "./platform/retrying.ts";
export { SeededRandom } from "./platform/seeded-random.ts";
export { SimulatedCluster, type SimulatedHost } from "./platform/simulated-cluster.ts";
export type { Delivery } from "./platform/simulated-connection.ts";
export type { SimulatedDisk } from "./platform/simulated-disk.ts";
export { type ObjectRequest, type ObjectVerdict, SimulatedObjectStore } from "./platform/simulated-object-store.ts";
export { createSimulatedPlatform, type SimulatedPlatform } from "./platform/simulated-platform.ts";
export { SimulatedStorage } from "./platform/simulated-storage.ts";
export { checkBind, formatAddress, isLoopback } from "./platform/transport.ts";
export { KeyedStateTable } from "./state/keyed-state-table.ts";
export type { SlotCodec } from "./state/slot-codec.ts";
export { serializerCodec } from "./state/state-handles.ts";
export type { FieldDifference } from "./state-processor/field-differences.ts";
export type { OperatorSnapshot, StateSummary } from "./state-processor/operator-snapshot.ts";
export { type Json, keysMeantBy, toReadableJson } from "./state-processor/readable-json.ts";
export { diffSnapshots, type EntryCounts, type SnapshotDifference } from "./state-processor/snapshot-diff.ts";
export type { StateEntry } from "./state-processor/state-entry.ts";
export type { StateReader } from "./state-processor/state-reader.ts";
export { listed, StateSnapshot } from "./state-processor/state-snapshot.ts";
export { type BuiltPipeline, runSlotThread } from "./taskmanager/threads/slot-thread-main.ts";
export { t } from "./types/declared-types.ts";
export { describeSchema } from "./types/schema.ts";
export type { Infer, Schema, SchemaField, Serializer, Type } from "./types/type.ts";

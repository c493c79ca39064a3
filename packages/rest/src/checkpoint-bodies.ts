/** What answers about the checkpoints of a job have in them; see `rest-bodies.ts`. */
import type { ExecutionState, HexId } from "./rest-bodies.ts";

/** Whether a checkpoint is there. @public */
export type CheckpointStatus = "IN_PROGRESS" | "COMPLETED" | "FAILED";

/** What a snapshot was taken for, and how. @public */
export type CheckpointType = "CHECKPOINT" | "UNALIGNED_CHECKPOINT" | "SAVEPOINT" | "SYNC_SAVEPOINT";

/** Of some numbers: percentiles are of the last completed checkpoints that are remembered. @public */
export interface StatisticsBody {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  /** As the others below, without numbers a text. */
  readonly p50: number | "NaN";
  readonly p90: number | "NaN";
  readonly p95: number | "NaN";
  readonly p99: number | "NaN";
  readonly p999: number | "NaN";
}

/** What is told of a checkpoint, and of each of its tasks. @public */
export interface CheckpointSizesBody {
  readonly id: number;
  readonly status: CheckpointStatus;
  /** -1 before the first acknowledgement. */
  readonly latest_ack_timestamp: number;
  readonly checkpointed_size: number;
  readonly state_size: number;
  readonly end_to_end_duration: number;
  /** Always 0, as in Flink: kept for old user interfaces. */
  readonly alignment_buffered: number;
  readonly processed_data: number;
  readonly persisted_data: number;
  readonly num_subtasks: number;
  readonly num_acknowledged_subtasks: number;
}

/** One checkpoint. Where it is a part of a longer answer, `tasks` is empty. @public */
export interface CheckpointStatisticsBody extends CheckpointSizesBody {
  /** Which of the optional fields are there. */
  readonly className: "completed" | "failed" | "in_progress";
  readonly is_savepoint: boolean;
  /** Null of a checkpoint. */
  readonly savepointFormat: "CANONICAL" | "NATIVE" | null;
  readonly trigger_timestamp: number;
  readonly checkpoint_type: CheckpointType;
  /** By vertex. */
  readonly tasks: Readonly<Record<HexId, CheckpointSizesBody>>;
  /** Of a completed one; `<checkpoint-not-externally-addressable>` when it is in memory only. */
  readonly external_path?: string;
  /** Of a completed one: it has been removed since. */
  readonly discarded?: boolean;
  /** Of a failed one. */
  readonly failure_timestamp?: number;
  readonly failure_message?: string;
}

/** What the job was started from, or restarted from last. @public */
export interface RestoredCheckpointBody {
  readonly id: number;
  readonly restore_timestamp: number;
  readonly is_savepoint: boolean;
  readonly external_path: string;
}

/** `GET /jobs/:jobid/checkpoints`. @public */
export interface CheckpointsBody {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly in_progress: number;
    readonly completed: number;
    readonly failed: number;
  };
  /** Of all completed checkpoints that are remembered. */
  readonly summary: {
    readonly checkpointed_size: StatisticsBody;
    readonly state_size: StatisticsBody;
    readonly end_to_end_duration: StatisticsBody;
    readonly alignment_buffered: StatisticsBody;
    readonly processed_data: StatisticsBody;
    readonly persisted_data: StatisticsBody;
  };
  readonly latest: {
    readonly completed: CheckpointStatisticsBody | null;
    readonly savepoint: CheckpointStatisticsBody | null;
    readonly failed: CheckpointStatisticsBody | null;
    readonly restored: RestoredCheckpointBody | null;
  };
  /** The newest first. */
  readonly history: readonly CheckpointStatisticsBody[];
}

/** `GET /jobs/:jobid/checkpoints/config`. @public */
export interface CheckpointConfigBody {
  readonly mode: "exactly_once" | "at_least_once";
  /** Without periodic checkpoints 9007199254740991. */
  readonly interval: number;
  readonly timeout: number;
  readonly min_pause: number;
  readonly max_concurrent: number;
  readonly externalization: {
    readonly enabled: boolean;
    readonly delete_on_cancellation: boolean;
  };
  readonly state_backend: string;
  readonly checkpoint_storage: string;
  readonly unaligned_checkpoints: boolean;
  readonly tolerable_failed_checkpoints: number;
  readonly aligned_checkpoint_timeout: number;
  readonly checkpoints_after_tasks_finish: boolean;
  readonly state_changelog_enabled: boolean;
}

/** One subtask's part in a checkpoint. @public */
export type SubtaskCheckpointBody =
  | { readonly className: "pending_or_failed"; readonly index: number; readonly status: "pending_or_failed" }
  | {
      readonly className: "completed";
      readonly index: number;
      readonly status: "completed";
      readonly ack_timestamp: number;
      readonly end_to_end_duration: number;
      readonly checkpointed_size: number;
      readonly state_size: number;
      readonly checkpoint: { readonly sync: number; readonly async: number };
      readonly alignment: {
        readonly buffered: number;
        readonly processed: number;
        readonly persisted: number;
        readonly duration: number;
      };
      readonly start_delay: number;
      readonly unaligned_checkpoint: boolean;
      readonly aborted: boolean;
    };

/** `GET /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid`. @public */
export interface TaskCheckpointBody extends CheckpointSizesBody {
  /** Left out before the first acknowledgement. */
  readonly summary?: {
    readonly checkpointed_size: StatisticsBody;
    readonly state_size: StatisticsBody;
    readonly end_to_end_duration: StatisticsBody;
    readonly checkpoint_duration: { readonly sync: StatisticsBody; readonly async: StatisticsBody };
    readonly alignment: {
      readonly buffered: StatisticsBody;
      readonly processed: StatisticsBody;
      readonly persisted: StatisticsBody;
      readonly duration: StatisticsBody;
    };
    readonly start_delay: StatisticsBody;
  };
  readonly subtasks: readonly SubtaskCheckpointBody[];
}

/** `GET /jobs/:jobid/vertices/:vertexid/subtasktimes`. @public */
export interface SubtaskTimesBody {
  readonly id: HexId;
  readonly name: string;
  readonly now: number;
  readonly subtasks: readonly {
    readonly subtask: number;
    readonly endpoint: string;
    readonly duration: number;
    /** When the current attempt came into each state; 0 when it never was in it. */
    readonly timestamps: Readonly<Record<ExecutionState, number>>;
  }[];
}

/** How the subtasks of one job are, as far as the JobManager has heard: the state, attempt and place of each. */
import type { JobGraph } from "../graph/job-graph.ts";
import { type SubtaskId, subtaskKey } from "../graph/subtask-id.ts";
import type { AttemptListener } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { Clock } from "../platform/platform.ts";
import type { SubtaskStatus, TaskCounts } from "./job-manager-api.ts";

export interface TaskPlace {
  readonly taskManagerId: string;
  readonly host: string;
}

export interface TaskState {
  readonly status: SubtaskStatus;
  readonly attempt: number;
  readonly place: TaskPlace | undefined;
  /** Epoch ms. */
  readonly startTimeMs: number | undefined;
  readonly endTimeMs: number | undefined;
  /** When the attempt came into each state. */
  readonly timestampsMs: Readonly<Partial<Record<SubtaskStatus, number>>>;
}

/** A subtask has failed. */
export type OnTaskFailed = (task: SubtaskId, error: Error, place: TaskPlace | undefined) => void;

const CREATED: TaskState = {
  status: "CREATED",
  attempt: 0,
  place: undefined,
  startTimeMs: undefined,
  endTimeMs: undefined,
  timestampsMs: {},
};

export class TaskStates {
  readonly #clock: Clock;
  readonly #onFailed: OnTaskFailed;
  readonly #states = new Map<string, TaskState>();
  #tasks: readonly SubtaskId[] = [];

  constructor(clock: Clock, onFailed: OnTaskFailed) {
    this.#clock = clock;
    this.#onFailed = onFailed;
  }

  /** The job's graph is known. */
  plan(graph: JobGraph): void {
    this.#tasks = graph.vertices.flatMap(({ id, parallelism }) =>
      Array.from({ length: parallelism }, (_, subtaskIndex) => ({ vertexId: id, subtaskIndex })),
    );
  }

  of(task: SubtaskId): TaskState {
    return this.#states.get(subtaskKey(task)) ?? CREATED;
  }

  counts(of: (task: SubtaskId) => boolean = () => true): TaskCounts {
    const counts = { CREATED: 0, DEPLOYING: 0, RUNNING: 0, FINISHED: 0, CANCELING: 0, CANCELED: 0, FAILED: 0 };
    for (const task of this.#tasks) if (of(task)) counts[this.of(task).status]++;
    return counts;
  }

  /** Follows an attempt of these tasks that is about to be deployed, by what its listener hears. */
  follow(
    tasks: readonly SubtaskId[],
    attempt: number,
    listener: AttemptListener,
    placeOf: (task: SubtaskId) => TaskPlace,
  ): AttemptListener {
    for (const task of tasks) {
      const startTimeMs = this.#clock.wallMs();
      const timestampsMs = { DEPLOYING: startTimeMs };
      this.#set(task, {
        status: "DEPLOYING",
        attempt,
        place: placeOf(task),
        startTimeMs,
        endTimeMs: undefined,
        timestampsMs,
      });
    }
    return {
      ...listener,
      onRunning: (task) => {
        this.#change(task, attempt, "RUNNING");
        listener.onRunning(task);
      },
      onFailed: (task, error) => {
        this.#change(task, attempt, "FAILED");
        this.#onFailed(task, error, this.of(task).place);
        listener.onFailed(task, error);
      },
    };
  }

  /** Attempts are over: what has not failed by itself was ended with the rest. */
  end(status: "FINISHED" | "CANCELED", tasks: readonly SubtaskId[] = this.#tasks): void {
    for (const task of tasks) this.#change(task, this.of(task).attempt, status);
  }

  #change(task: SubtaskId, attempt: number, status: SubtaskStatus): void {
    const before = this.of(task);
    const isOver = before.status === "FAILED" || before.status === "FINISHED" || before.status === "CANCELED";
    if (before.attempt !== attempt || isOver) return;
    const isEnd = status === "FAILED" || status === "FINISHED" || status === "CANCELED";
    const nowMs = this.#clock.wallMs();
    const timestampsMs = { ...before.timestampsMs, [status]: nowMs };
    this.#set(task, { ...before, status, timestampsMs, endTimeMs: isEnd ? nowMs : undefined });
  }

  #set(task: SubtaskId, state: TaskState): void {
    this.#states.set(subtaskKey(task), state);
  }
}

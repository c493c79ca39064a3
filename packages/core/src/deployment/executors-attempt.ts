/** One attempt of a region whose subtasks are in the slots of one or more processes. It moves messages and handles, never records. */

import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import type { Source, SourceSplit } from "../connectors/source.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { AttemptListener, ReaderId } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import { slotOf } from "../taskmanager/slot-layout.ts";
import type {
  DeployedTasks,
  DeploymentListener,
  DescribedTasks,
  MergedAccumulators,
  TaskExecutor,
} from "../taskmanager/task-executor.ts";
import type { AttemptCommand } from "../taskmanager/threads/slot-thread-messages.ts";
import { deploymentListenerOf } from "./deployment-listener.ts";
import type { LocalAttempt } from "./local-attempt.ts";

export interface ExecutorsAttemptOptions {
  readonly graph: JobGraph;
  /** Of the region. */
  readonly tasks: readonly SubtaskId[];
  readonly deploymentNumber: number;
  readonly attemptNumber: number;
  readonly restore: LoadedCheckpoint | undefined;
  readonly listener: AttemptListener;
  /** Together they have all slots that the tasks are in. */
  readonly executors: readonly TaskExecutor[];
  /** See `ExecutorDeployment`. */
  readonly dataAddresses: readonly string[] | undefined;
}

export class ExecutorsAttempt implements LocalAttempt {
  readonly tasks: readonly SubtaskId[];
  readonly #options: ExecutorsAttemptOptions;
  /** By slot. */
  #deployed: ReadonlyMap<number, DeployedTasks> = new Map();
  #isDeployed = false;
  /** A slot may die while others are still being deployed to: nobody listens yet. */
  #earlyFailure: Error | undefined;

  private constructor(options: ExecutorsAttemptOptions) {
    this.#options = options;
    this.tasks = options.tasks;
  }

  /** Makes all subtasks. When one executor cannot, what others have made is cancelled and the first error thrown. */
  static async deploy(options: ExecutorsAttemptOptions): Promise<ExecutorsAttempt> {
    const attempt = new ExecutorsAttempt(options);
    await attempt.#deploy();
    return attempt;
  }

  statisticsOf(task: SubtaskId): TaskStatistics {
    return this.#at(slotOf(this.#options.graph, task)).statisticsOf(task);
  }

  /** From executor to executor: the classes of the user's accumulators are known in their slots. */
  async mergeAccumulators(
    given: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<MergedAccumulators> {
    let all: MergedAccumulators = { merged: given, missing: [] };
    for (const deployed of new Set(this.#deployed.values())) {
      const { merged, missing } = await deployed.mergeAccumulators(all.merged, answerWithinMs);
      all = { merged, missing: [...all.missing, ...missing] };
    }
    return all;
  }

  async describe(): Promise<DescribedTasks> {
    const answers = await Promise.all([...new Set(this.#deployed.values())].map((deployed) => deployed.describe()));
    return {
      subtasks: answers.flatMap(({ subtasks }) => subtasks),
      silentSlots: answers.flatMap(({ silentSlots }) => silentSlots),
    };
  }

  start(): void {
    this.#toAll({ kind: "start" });
  }

  triggerCheckpoint(trigger: CheckpointTrigger, isLast: boolean): void {
    this.#toAll({ kind: "trigger", trigger, isLast });
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#toAll({ kind: "aborted", checkpointId });
  }

  suspendSources(isSuspended: boolean): void {
    this.#toAll({ kind: "suspendSources", isSuspended });
  }

  drainSources(): void {
    this.#toAll({ kind: "drainSources" });
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#toAll({ kind: "complete", checkpointId });
  }

  commitAtEnd(): void {
    this.#toAll({ kind: "commitAtEnd" });
  }

  assignSplit({ sourceUid, subtaskIndex }: ReaderId, split: SourceSplit): void {
    const out = new BinaryWriter();
    this.#sourceOf(sourceUid).splitSerializer.write(split, out);
    this.#toReader(sourceUid, subtaskIndex, { kind: "split", sourceUid, subtaskIndex, bytes: out.finish() });
  }

  signalNoMoreSplits({ sourceUid, subtaskIndex }: ReaderId): void {
    this.#toReader(sourceUid, subtaskIndex, { kind: "noMoreSplits", sourceUid, subtaskIndex });
  }

  allowWatermark(sourceUid: string, allowedMs: number): void {
    this.#toAll({ kind: "allowWatermark", sourceUid, allowedMs });
  }

  async cancel(): Promise<void> {
    const results = await Promise.allSettled([...new Set(this.#deployed.values())].map((each) => each.cancel()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #deploy(): Promise<void> {
    const { graph, deploymentNumber, attemptNumber, restore, executors, dataAddresses } = this.#options;
    const maxParallelism = graph.vertices.map((vertex) => vertex.maxParallelism);
    const listener = this.#listener();
    const results = await Promise.allSettled(
      executors
        .flatMap((executor) => {
          const slots = new Set(executor.slots);
          const tasks = this.tasks.filter((task) => slots.has(slotOf(graph, task)));
          return tasks.length === 0 ? [] : [{ executor, tasks }];
        })
        .map(async ({ executor, tasks }) => {
          const deployment = { deploymentNumber, attemptNumber, maxParallelism, restore, tasks, dataAddresses };
          return { executor, deployed: await executor.deploy(deployment, listener) };
        }),
    );
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    this.#deployed = new Map(made.flatMap(({ executor, deployed }) => executor.slots.map((slot) => [slot, deployed])));
    const failed = results.find((result) => result.status === "rejected");
    this.#isDeployed = failed === undefined && this.#earlyFailure === undefined;
    if (this.#isDeployed) return;
    await Promise.allSettled(made.map(({ deployed }) => deployed.cancel()));
    throw failed?.reason ?? this.#earlyFailure;
  }

  #listener(): DeploymentListener {
    const { listener } = this.#options;
    return {
      ...deploymentListenerOf(listener),
      onFailed: (task, error) => {
        if (this.#isDeployed) listener.onFailed(task, error);
        else this.#earlyFailure ??= error;
      },
    };
  }

  #at(slot: number): DeployedTasks {
    const deployed = this.#deployed.get(slot);
    invariant(deployed !== undefined, `nothing of the attempt is deployed in slot ${slot}`);
    return deployed;
  }

  #toAll(command: AttemptCommand): void {
    for (const deployed of new Set(this.#deployed.values())) deployed.command(command);
  }

  #toReader(sourceUid: string, subtaskIndex: number, command: AttemptCommand): void {
    const { graph } = this.#options;
    const vertex = graph.vertices.find(({ operators }) => operators.some(({ uid }) => uid === sourceUid));
    invariant(vertex !== undefined, `a split is for the source ${sourceUid}, which the job does not have`);
    const slot = slotOf(graph, { vertexId: vertex.id, subtaskIndex });
    this.#at(slot).command(command, slot);
  }

  #sourceOf(uid: string): Source<unknown, SourceSplit, unknown> {
    const operator = this.#options.graph.vertices
      .flatMap(({ operators }) => operators)
      .find((each) => each.uid === uid);
    invariant(operator?.spec.kind === "source", `a split is for the source ${uid}, which the job does not have`);
    // Its splits come from its own enumerator, so they are of its type.
    return operator.spec.source as unknown as Source<unknown, SourceSplit, unknown>;
  }
}

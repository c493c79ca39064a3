/**
 * A slot's thread, from inside: loads the job, proves that its graph is the one the JobMaster has, and runs one attempt
 * after the other.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { toErrorMessage } from "../../base/error-message.ts";
import { invariant, unreachable } from "../../base/errors.ts";
import { Configuration } from "../../config/configuration.ts";
import type { SourceSplit } from "../../connectors/source.ts";
import { Doorbell } from "../../exchange/doorbell.ts";
import { buildJobGraph } from "../../graph/build-job-graph.ts";
import { describeJobGraph } from "../../graph/describe.ts";
import { graphOptionsOf, withMaxParallelism } from "../../graph/graph-options.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import type { Transformation } from "../../graph/transformation.ts";
import { METER_SAMPLE_INTERVAL_MS } from "../../metrics/meter.ts";
import { MetricRegistry } from "../../metrics/metric-registry.ts";
import { metricSnapshots } from "../../metrics/metric-snapshot.ts";
import type { AccumulatorRegistry } from "../../operators/accumulators/accumulator-registry.ts";
import { mergeAccumulators } from "../../operators/accumulators/merged-accumulators.ts";
import type { WorkerScope } from "../../platform/platform.ts";
import { SlotLoop } from "../../task/slot-loop.ts";
import { TaskStatistics } from "../../task/task-statistics.ts";
import { subtasksOfSlot } from "../slot-layout.ts";
import { prepareStateBackend } from "../subtask-state.ts";
import { taskSettingsOf } from "../task-settings.ts";
import { type SlotListener, TaskSlot } from "../task-slot.ts";
import { RingChannels } from "./ring-channels.ts";
import type {
  AttemptCommand,
  AttemptMessage,
  Deployment,
  FromSlot,
  JobModuleReference,
  SlotThreadInput,
  ToSlot,
} from "./slot-thread-messages.ts";

/** What a job's module has built. */
export interface BuiltPipeline {
  readonly transformations: readonly Transformation[];
  readonly configuration: Configuration;
}

/** Loads a job's module and lets it build its pipeline, starting from the given settings. */
export type PipelineLoader = (module: JobModuleReference, configuration: Configuration) => Promise<BuiltPipeline>;

/** Runs for as long as the thread lives. */
export async function runSlotThread(scope: WorkerScope, load: PipelineLoader): Promise<void> {
  const input = scope.input as SlotThreadInput;
  const say = (message: FromSlot): void => scope.postMessage(message);
  let thread: SlotThread;
  try {
    const given = Configuration.fromLayered(input.configuration);
    const { transformations, configuration } = await load(input.module, given);
    const graph = buildJobGraph(transformations, graphOptionsOf(configuration, input.jobName));
    await prepareStateBackend(scope.platform, taskSettingsOf(configuration));
    thread = new SlotThread(scope, input, graph, configuration);
    say({ kind: "loaded", graphHash: graph.hash, plan: describeJobGraph(graph) });
  } catch (error) {
    say({ kind: "notLoaded", error: toErrorMessage(error) });
    return;
  }
  scope.onMessage((message) => thread.onMessage(message as ToSlot));
}

class SlotThread {
  readonly #scope: WorkerScope;
  readonly #input: SlotThreadInput;
  readonly #graph: JobGraph;
  readonly #configuration: Configuration;
  readonly #loop: SlotLoop;
  readonly #metrics: MetricRegistry = new MetricRegistry();
  /** By deployment number. */
  readonly #slots = new Map<number, TaskSlot>();
  /** By deployment number; of the last attempts also when their slots are gone. */
  readonly #accumulators = new Map<number, readonly AccumulatorRegistry[]>();

  constructor(scope: WorkerScope, input: SlotThreadInput, graph: JobGraph, configuration: Configuration) {
    this.#scope = scope;
    this.#input = input;
    this.#graph = graph;
    this.#configuration = configuration;
    const currentTasks = new Int32Array(input.currentTasks);
    this.#loop = new SlotLoop({
      clock: scope.platform.clock,
      bufferTimeoutMs: taskSettingsOf(configuration).bufferTimeoutMs,
      doorbell: new Doorbell(input.doorbells, input.slot, scope.platform.bells),
      onStep: (place) => {
        currentTasks[input.slot] = place;
      },
    });
    this.#sampleMeters();
  }

  onMessage(message: ToSlot): void {
    switch (message.kind) {
      case "ping":
        this.#scope.postMessage({ kind: "pong" } satisfies FromSlot);
        return;
      case "metrics":
        this.#scope.postMessage({ kind: "metrics", metrics: metricSnapshots(this.#metrics) } satisfies FromSlot);
        return;
      case "mergeAccumulators":
        this.#mergeAccumulators(message);
        return;
      case "describe":
        this.#scope.postMessage({
          kind: "described",
          subtasks: this.#slots.get(message.deploymentNumber)?.describe() ?? [],
        } satisfies FromSlot);
        return;
      case "deploy":
        this.#deploy(message.deployment);
        return;
      case "cancel":
        void this.#cancel(message.deploymentNumber);
        return;
      default: {
        const slot = this.#slots.get(message.deploymentNumber);
        if (slot !== undefined) this.#command(slot, message);
      }
    }
  }

  #command(slot: TaskSlot, command: AttemptCommand): void {
    switch (command.kind) {
      case "start":
        slot.start();
        return;
      case "trigger":
        slot.triggerCheckpoint(command.trigger, command.isLast);
        return;
      case "aborted":
        slot.notifyCheckpointAborted(command.checkpointId);
        return;
      case "suspendSources":
        slot.suspendSources(command.isSuspended);
        return;
      case "drainSources":
        slot.drainSources();
        return;
      case "complete":
        slot.notifyCheckpointComplete(command.checkpointId);
        return;
      case "commitAtEnd":
        slot.commitAtEnd();
        return;
      case "split":
        slot.assignSplit(command.sourceUid, command.subtaskIndex, this.#splitOf(command.sourceUid, command.bytes));
        return;
      case "noMoreSplits":
        slot.signalNoMoreSplits(command.sourceUid, command.subtaskIndex);
        return;
      case "allowWatermark":
        slot.allowWatermark(command.sourceUid, command.allowedMs);
        return;
      default:
        unreachable(command);
    }
  }

  #deploy(deployment: Deployment): void {
    const { deploymentNumber } = deployment;
    for (const old of [...this.#accumulators.keys()]) if (!this.#slots.has(old)) this.#accumulators.delete(old);
    try {
      const slot = this.#createSlot(deployment);
      this.#slots.set(deploymentNumber, slot);
      this.#accumulators.set(deploymentNumber, slot.accumulators);
    } catch (error) {
      this.#say(deploymentNumber, { kind: "notDeployed", error: toErrorMessage(error) });
      return;
    }
    this.#say(deploymentNumber, { kind: "deployed" });
  }

  #createSlot(deployment: Deployment): TaskSlot {
    const { slot, jobId, doorbells } = this.#input;
    const { platform } = this.#scope;
    const { tasks, deploymentNumber, attemptNumber, rings, restoredCheckpointId } = deployment;
    const settings = taskSettingsOf(this.#configuration);
    const deploymentOf = (task: { readonly vertexId: number }): Deployment["tasks"][number] =>
      tasks.find((each) => each.task.vertexId === task.vertexId)!;
    const graph = withMaxParallelism(this.#graph, new Map(deployment.maxParallelism.entries()));
    // A slot has at most one subtask of a vertex.
    const placesInSlot = subtasksOfSlot(graph, slot).map(({ vertexId }) => vertexId);
    return new TaskSlot({
      graph,
      jobId,
      attemptNumber,
      taskManagerId: `slot-${slot}`,
      platform,
      metrics: this.#metrics,
      settings,
      tasks: tasks.map(({ task }) => task),
      remote: new RingChannels({
        graph,
        slot,
        rings,
        doorbells,
        generation: deploymentNumber,
        bells: platform.bells,
        flushesAlways: settings.bufferTimeoutMs === 0,
      }),
      loop: this.#loop,
      places: tasks.map(({ task }) => placesInSlot.indexOf(task.vertexId)),
      restoredCheckpointId,
      restoreOf: (task) => deploymentOf(task).restore,
      statisticsOf: (task) =>
        new TaskStatistics(deploymentOf(task).statistics, graph.vertices[task.vertexId]!.operators.length),
      listener: this.#listener(deploymentNumber),
    });
  }

  #mergeAccumulators({ requestId, deploymentNumber, merged }: Extract<ToSlot, { kind: "mergeAccumulators" }>): void {
    const all = mergeAccumulators(merged, this.#accumulators.get(deploymentNumber) ?? []);
    this.#scope.postMessage({ kind: "accumulators", requestId, merged: all } satisfies FromSlot);
  }

  #listener(deploymentNumber: number): SlotListener {
    const say = (message: AttemptMessage): void => this.#say(deploymentNumber, message);
    return {
      onRunning: (task) => say({ kind: "running", task }),
      onInputFinished: (task) => say({ kind: "inputFinished", task }),
      onSnapshot: (task, checkpointId, snapshot) => {
        // Keyed state may be large, and nobody here needs its bytes any more.
        const ownMemory = snapshot.operators.flatMap(({ keyed }) =>
          keyed instanceof Uint8Array ? [keyed.buffer as ArrayBuffer] : [],
        );
        this.#say(deploymentNumber, { kind: "snapshot", task, checkpointId, snapshot }, ownMemory);
      },
      onCommitted: (task, checkpointId) => say({ kind: "committed", task, checkpointId }),
      onFailed: (task, error) => say({ kind: "failed", task, error: toErrorMessage(error) }),
      onWatermarkReport: (sourceUid, subtaskIndex, watermarkMs) =>
        say({ kind: "watermarkReport", sourceUid, subtaskIndex, watermarkMs }),
      onSplitRequest: (sourceUid, subtaskIndex) => say({ kind: "splitRequest", sourceUid, subtaskIndex }),
      onSourceEvent: (sourceUid, subtaskIndex, event) => say({ kind: "sourceEvent", sourceUid, subtaskIndex, event }),
    };
  }

  #splitOf(sourceUid: string, bytes: Uint8Array): SourceSplit {
    const operator = this.#graph.vertices.flatMap(({ operators }) => operators).find(({ uid }) => uid === sourceUid);
    invariant(operator?.spec.kind === "source", `a split is for the source ${sourceUid}, which the job does not have`);
    // The serializer is the source's own, so what it reads is a split of the source.
    return operator.spec.source.splitSerializer.read(new BinaryReader(bytes)) as SourceSplit;
  }

  async #cancel(deploymentNumber: number): Promise<void> {
    let failure: unknown;
    try {
      await this.#slots.get(deploymentNumber)?.cancel();
    } catch (error) {
      failure = error;
    }
    this.#slots.delete(deploymentNumber);
    this.#say(deploymentNumber, {
      kind: "cancelled",
      error: failure === undefined ? undefined : toErrorMessage(failure),
    });
  }

  #say(deploymentNumber: number, message: AttemptMessage, transfer: readonly ArrayBuffer[] = []): void {
    this.#scope.postMessage({ ...message, deploymentNumber } satisfies FromSlot, transfer);
  }

  // Meters have no clock of their own.
  #sampleMeters(): void {
    const { clock } = this.#scope.platform;
    this.#metrics.sampleMeters(clock.monoMs());
    clock.after(METER_SAMPLE_INTERVAL_MS, () => this.#sampleMeters());
  }
}

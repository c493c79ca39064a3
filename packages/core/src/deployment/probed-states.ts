/**
 * What the operators of a job keep, found out by making them as a subtask would and opening them, away from any data. The only
 * way to know: functions name their states in `open`. Sources and sinks are not opened, since that touches the outside world.
 */

import type { ListMode } from "../checkpoint/operator-lists.ts";
import type { Configuration } from "../config/configuration.ts";
import type { JobGraph, JobVertex } from "../graph/job-graph.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { Platform } from "../platform/platform.ts";
import type { SlotCodec } from "../state/slot-codec.ts";
import { heapStateBackend } from "../state/state-backend.ts";
import { createOperator } from "../task/create-operator.ts";
import { OperatorRuntimeContext } from "../task/runtime-context.ts";
import { taskSettingsOf } from "../taskmanager/task-settings.ts";
import type { Schema } from "../types/type.ts";

/** A list that an operator's functions keep. @internal */
export interface ProbedList {
  readonly name: string;
  readonly mode: ListMode;
  readonly schema: Schema;
}

/** @internal */
export interface ProbedOperator {
  readonly vertex: JobVertex;
  readonly operator: ChainedOperator;
  readonly keyed: readonly SlotCodec[];
  readonly lists: readonly ProbedList[];
  /** Why not everything is known: its functions could not be opened here. */
  readonly failure: string | undefined;
}

/** @internal */
export async function probeStates(
  graph: JobGraph,
  configuration: Configuration,
  platform: Platform,
): Promise<readonly ProbedOperator[]> {
  const probed: ProbedOperator[] = [];
  for (const vertex of graph.vertices) {
    for (const operator of vertex.operators) probed.push(await probe(graph, vertex, operator, configuration, platform));
  }
  return probed;
}

async function probe(
  graph: JobGraph,
  vertex: JobVertex,
  plan: ChainedOperator,
  configuration: Configuration,
  platform: Platform,
): Promise<ProbedOperator> {
  const nothing = { vertex, operator: plan, keyed: [], lists: [], failure: undefined };
  if (plan.spec.kind === "source" || plan.spec.kind === "sink") return nothing;
  const context = contextOf(graph, vertex, plan);
  const host = {
    context,
    clock: platform.clock,
    platform,
    jobId: "",
    uid: plan.uid,
    operatorName: plan.name,
    maxParallelism: vertex.maxParallelism,
    restoredCheckpointId: undefined,
    ...taskSettingsOf(configuration),
    // What is asked for is there as soon as an operator is open: nothing of it is stored.
    stateBackend: heapStateBackend,
    wake: (): void => {},
    fail: (): void => {},
    reportWatermark: (): void => {},
    sendSplitRequest: (): void => {},
    sendSourceEvent: (): void => {},
  };
  let failure: string | undefined;
  const { operator } = createOperator(plan, host);
  try {
    operator.open();
  } catch (error) {
    failure = messageOf(error);
  }
  const keyed = (operator.table?.slots ?? []).filter((slot) => slot.isTransient !== true);
  const lists = context.functionStates.registered();
  try {
    await operator.close();
  } catch (error) {
    failure ??= messageOf(error);
  }
  return { ...nothing, keyed, lists, failure };
}

function contextOf(graph: JobGraph, vertex: JobVertex, operator: ChainedOperator): OperatorRuntimeContext {
  const place = {
    jobName: graph.name,
    taskName: vertex.name,
    indexOfThisSubtask: 0,
    numberOfParallelSubtasks: vertex.parallelism,
    maxNumberOfParallelSubtasks: vertex.maxParallelism,
    attemptNumber: 0,
  };
  const group = new MetricRegistry().operatorGroup({
    host: "",
    taskManagerId: "",
    jobId: "",
    jobName: graph.name,
    taskId: String(vertex.id),
    taskName: vertex.name,
    attempt: 0,
    subtaskIndex: 0,
    operatorId: operator.uid,
    operatorName: operator.name,
  });
  return new OperatorRuntimeContext(place, operator.name, group);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

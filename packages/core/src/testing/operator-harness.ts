/**
 * Runs one operator as a chain of its own, without a job: records, watermarks and checkpoints are fed by hand, what it
 * emits is collected. Snapshot and restore give a second harness that continues where the first one stood.
 */

import { listHeadersOf } from "../checkpoint/operator-lists.ts";
import { LocalChannel } from "../exchange/local-channel.ts";
import type { RecordWriter } from "../exchange/record-writer.ts";
import { createRecordWriter } from "../exchange/record-writer.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import type { ChainedOperator, ChainPlan } from "../operators/chain-plan.ts";
import { inputCountOf, type OperatorSpec } from "../operators/operator-spec.ts";
import type { Platform } from "../platform/platform.ts";
import type { KeyedStateBackend } from "../state/state-backend.ts";
import { Chain, type OperatorRestore } from "../task/chain.ts";
import { OperatorRuntimeContext } from "../task/runtime-context.ts";
import { encodedBytes } from "./encoded-bytes.ts";
import { testStateBackend } from "./test-state-backend.ts";

/** A record with its event time, as it left the operator. */
export interface Emitted {
  readonly value: unknown;
  readonly timestampMs: number;
}

export interface HarnessOptions {
  readonly platform: Platform;
  readonly sideOutputs?: readonly string[];
  readonly maxParallelism?: number;
  readonly restore?: OperatorRestore;
  /** Default: that of all tests. */
  readonly stateBackend?: KeyedStateBackend;
}

/** What `snapshot` returns: everything the operator needs to go on elsewhere. */
export type HarnessSnapshot = OperatorRestore;

const MAX_PARALLELISM = 128;

/** Of an engine spec instead of a stream's operator. @internal */
export class OperatorHarness {
  readonly chain: Chain;
  readonly #outputs: readonly LocalChannel[];
  readonly #tags: readonly string[];
  #checkpointId = 0;

  constructor(spec: OperatorSpec, options: HarnessOptions) {
    this.#tags = options.sideOutputs ?? [];
    this.#outputs = [undefined, ...this.#tags].map(() => new LocalChannel());
    const writers = this.#outputs.map(
      (channel): RecordWriter =>
        createRecordWriter(
          [channel],
          { kind: "forward" },
          { subtaskIndex: 0, maxParallelism: 1, random: options.platform.random },
        ),
    );
    const inputs = inputCountOf(spec) === 2 ? [0, 1] : [0];
    const plan: ChainPlan = {
      name: "harness",
      copiesRecords: false,
      operators: [
        {
          index: 0,
          uid: "harness",
          name: "harness",
          spec,
          callSite: "harness",
          inputs: inputs.map((input) => ({ kind: "gate", gate: input, input: input as 0 | 1 })),
        },
      ],
      outputs: [undefined, ...this.#tags].map((sideOutput, edge) => ({ operator: 0, sideOutput, edge })),
    };
    this.chain = new Chain({
      plan,
      gateCount: inputs.length,
      subtaskIndex: 0,
      parallelism: 1,
      writers,
      counts: new Float64Array(plan.operators.length),
      hostOf: (operator) => hostOf(operator, options),
      restore: options.restore === undefined ? undefined : new Map([["harness", options.restore]]),
      url: "millrace-harness.js",
    });
    this.chain.open();
  }

  element(value: unknown, timestampMs: number, input = 0): void {
    this.chain.inputs[input]!(value, timestampMs);
  }

  watermark(timestampMs: number, input = 0): void {
    this.chain.onGateWatermark(input, timestampMs);
  }

  /** Takes and returns what has been emitted since the last call; watermarks are left out. */
  output(tag?: string): readonly Emitted[] {
    const channel = this.#outputs[tag === undefined ? 0 : this.#tags.indexOf(tag) + 1]!;
    const emitted: Emitted[] = [];
    const take = (value: unknown, timestampMs: number): void => void emitted.push({ value, timestampMs });
    do channel.takeRecords(take, Number.POSITIVE_INFINITY);
    while (channel.takeEvent() !== undefined);
    return emitted;
  }

  snapshot(): HarnessSnapshot {
    const { snapshot } = this.chain.snapshot(++this.#checkpointId)[0]!;
    return {
      keyedBlobs: encodedBytes(snapshot.keyed),
      keyGroupStart: 0,
      keyGroupEnd: MAX_PARALLELISM,
      lists: new Map(snapshot.lists.map((list) => [list.name, list.elements])),
      listHeaders: listHeadersOf(snapshot.lists),
    };
  }
}

function hostOf(
  operator: ChainedOperator,
  options: HarnessOptions,
): ReturnType<ConstructorParameters<typeof Chain>[0]["hostOf"]> {
  const { platform } = options;
  const place = {
    jobName: "harness",
    taskName: operator.name,
    indexOfThisSubtask: 0,
    numberOfParallelSubtasks: 1,
    maxNumberOfParallelSubtasks: MAX_PARALLELISM,
    attemptNumber: 0,
  };
  const group = new MetricRegistry().operatorGroup({
    host: "harness",
    taskManagerId: "harness",
    jobId: "harness",
    jobName: "harness",
    taskId: "0",
    taskName: operator.name,
    attempt: 0,
    subtaskIndex: 0,
    operatorId: operator.uid,
    operatorName: operator.name,
  });
  return {
    context: new OperatorRuntimeContext(place, operator.name, group),
    clock: platform.clock,
    platform,
    jobId: "harness",
    uid: operator.uid,
    operatorName: operator.name,
    maxParallelism: options.maxParallelism ?? MAX_PARALLELISM,
    stateBackend: options.stateBackend ?? testStateBackend(),
    restoredCheckpointId: options.restore === undefined ? undefined : 1,
    poisonPolicy: "fail",
    futureSkewMaxMs: 0,
    sendSplitRequest: () => {},
    sendSourceEvent: () => {},
    reportWatermark: () => {},
    watermarkIntervalMs: 200,
    wake: () => {},
    fail: (error) => {
      throw error;
    },
  };
}

/** One subtask of the operator under test: its chain, fed by hand, and what leaves it. */

import { LocalChannel } from "../exchange/local-channel.ts";
import { createRecordWriter } from "../exchange/record-writer.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import type { ChainedOperator, ChainPlan } from "../operators/chain-plan.ts";
import { inputCountOf, type OperatorSpec } from "../operators/operator-spec.ts";
import type { Platform } from "../platform/platform.ts";
import { Chain, type OperatorRestore } from "../task/chain.ts";
import type { AnyOperatorHost } from "../task/create-operator.ts";
import { OperatorRuntimeContext } from "../task/runtime-context.ts";
import { MIN_WATERMARK } from "../time/timestamps.ts";
import { testStateBackend } from "./test-state-backend.ts";

/** A record with its event time in epoch ms, as it left an operator. @public */
export interface TimestampedValue<T> {
  readonly value: T;
  readonly timestamp: number;
}

/** @internal */
export interface HarnessSubtaskOptions {
  readonly name: string;
  readonly spec: OperatorSpec;
  readonly platform: Platform;
  readonly sideOutputs: readonly string[];
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly attemptNumber: number;
  readonly restore: OperatorRestore | undefined;
  readonly restoredCheckpointId: number | undefined;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

const UID = "harness";

/** @internal */
export class HarnessSubtask {
  readonly chain: Chain;
  /** The last watermark that left the operator. */
  watermark: number = MIN_WATERMARK;
  readonly #outputs: readonly { readonly tag: string | undefined; readonly channel: LocalChannel }[];

  constructor(options: HarnessSubtaskOptions) {
    const tags: readonly (string | undefined)[] = [undefined, ...options.sideOutputs];
    this.#outputs = tags.map((tag) => ({ tag, channel: new LocalChannel() }));
    const { random } = options.platform;
    const plan = harnessPlan(options);
    this.chain = new Chain({
      plan,
      gateCount: plan.operators[0]!.inputs.length,
      subtaskIndex: options.subtaskIndex,
      parallelism: options.parallelism,
      writers: this.#outputs.map(({ channel }) =>
        createRecordWriter([channel], { kind: "forward" }, { subtaskIndex: 0, maxParallelism: 1, random }),
      ),
      counts: new Float64Array(1),
      hostOf: (operator) => harnessHost(operator, options),
      restore: options.restore === undefined ? undefined : new Map([[UID, options.restore]]),
      url: `millrace-harness-${options.subtaskIndex}.js`,
    });
    this.chain.open();
  }

  /** Takes what has left the operator since the last call. */
  drain(onRecord: (tag: string | undefined, record: TimestampedValue<unknown>) => void): void {
    for (const { tag, channel } of this.#outputs) {
      const take = (value: unknown, timestamp: number): void => onRecord(tag, { value, timestamp });
      for (;;) {
        channel.takeRecords(take, Number.POSITIVE_INFINITY);
        const event = channel.takeEvent();
        if (event === undefined) break;
        if (event.kind === "watermark" && tag === undefined) this.watermark = event.timestampMs;
      }
    }
  }
}

/** The operator alone, with a gate for each of its inputs. @internal */
export function harnessPlan({ name, spec, sideOutputs }: HarnessSubtaskOptions): ChainPlan {
  const inputs = ([0, 1] as const).slice(0, inputCountOf(spec));
  return {
    name,
    copiesRecords: false,
    operators: [
      {
        index: 0,
        uid: UID,
        name,
        spec,
        callSite: UID,
        inputs: inputs.map((input) => ({ kind: "gate", gate: input, input })),
      },
    ],
    outputs: (spec.kind === "sink" ? [] : [undefined, ...sideOutputs]).map((sideOutput, edge) => ({
      operator: 0,
      sideOutput,
      edge,
    })),
  };
}

/** @internal */
export function harnessHost(operator: ChainedOperator, options: HarnessSubtaskOptions): AnyOperatorHost {
  const { platform, subtaskIndex, parallelism, maxParallelism, attemptNumber } = options;
  const { uid, name } = operator;
  const place = {
    jobName: UID,
    taskName: name,
    indexOfThisSubtask: subtaskIndex,
    numberOfParallelSubtasks: parallelism,
    maxNumberOfParallelSubtasks: maxParallelism,
    attemptNumber,
  };
  const group = new MetricRegistry().operatorGroup({
    host: UID,
    taskManagerId: UID,
    jobId: UID,
    jobName: UID,
    taskId: "0",
    taskName: name,
    attempt: attemptNumber,
    subtaskIndex,
    operatorId: uid,
    operatorName: name,
  });
  return {
    context: new OperatorRuntimeContext(place, name, group),
    clock: platform.clock,
    platform,
    jobId: UID,
    uid,
    operatorName: name,
    maxParallelism,
    restoredCheckpointId: options.restoredCheckpointId,
    poisonPolicy: "fail",
    futureSkewMaxMs: Number.MAX_SAFE_INTEGER,
    sendSplitRequest: () => {},
    sendSourceEvent: () => {},
    reportWatermark: () => {},
    watermarkIntervalMs: 200,
    stateBackend: testStateBackend(),
    wake: options.wake,
    fail: options.fail,
  };
}

/**
 * Runs one operator next to neighbours of every kind: what is before it gives its records one by one or all at once, what
 * is behind it has room always or only every second time, and what is around it stops and restores it after every step.
 * Whatever they do, the same has to come out.
 */
import type { DataStream } from "../api/data-stream.ts";
import type { PipelineEnvironment } from "../api/environment.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import { harnessEnvironment, harnessInput } from "./harness-of.ts";
import type { TimestampedValue } from "./harness-subtask.ts";
import {
  type HarnessSnapshot,
  OneInputOperatorTestHarness,
  TwoInputOperatorTestHarness,
} from "./operator-test-harness.ts";
import { runSubtask, type SubtaskEvent } from "./subtask-run.ts";

/** What a stream's method returns, as far as its operator goes. @internal */
export interface AddsOperator {
  readonly transformation: Transformation;
}

/** An operator with the name that tests call it. @internal */
export interface OperatorUnderTest {
  readonly name: string;
  readonly inputs: 1 | 2;
  readonly spec: OperatorSpec;
  readonly start: (restore?: HarnessSnapshot) => StartedOperator;
}

interface StartedOperator {
  readonly give: (event: SubtaskEvent) => void;
  readonly settle: () => Promise<void>;
  readonly take: () => readonly TimestampedValue<unknown>[];
  readonly snapshot: () => HarnessSnapshot;
}

type Outputs = readonly TimestampedValue<unknown>[];

/** What came out, by what the neighbours did. @internal */
export interface NeighbourRuns {
  /** Of a run in which nobody did anything special. */
  readonly expected: Outputs;
  readonly found: Readonly<Record<string, Outputs>>;
}

/** The last operator that `build` adds to a stream. @internal */
export function oneInput<T>(name: string, build: (stream: DataStream<T>) => AddsOperator): OperatorUnderTest {
  const operator = operatorOf((env) => build(harnessInput<T>(env, "input")));
  const start = (restore?: HarnessSnapshot): StartedOperator => {
    const harness = new OneInputOperatorTestHarness<unknown, unknown>(
      operator,
      restore === undefined ? {} : { restore },
    );
    const give = (event: SubtaskEvent): void => {
      if (event.kind === "end") harness.endInput();
      else if (event.kind === "watermark") harness.processWatermark(event.timestampMs);
      else harness.processElement(event.value, event.timestampMs);
    };
    return { ...started(harness), give };
  };
  return { name, inputs: 1, spec: operator.spec, start };
}

/** As {@link oneInput}, of an operator with two inputs. @internal */
export function twoInputs<T>(
  name: string,
  build: (first: DataStream<T>, second: DataStream<T>) => AddsOperator,
): OperatorUnderTest {
  const operator = operatorOf((env) => build(harnessInput<T>(env, "input 1"), harnessInput<T>(env, "input 2")));
  const start = (restore?: HarnessSnapshot): StartedOperator => {
    const harness = new TwoInputOperatorTestHarness<unknown, unknown, unknown>(
      operator,
      restore === undefined ? {} : { restore },
    );
    const give = (event: SubtaskEvent): void => {
      if (event.kind === "end") harness.endInputs();
      else if (event.kind === "watermark") harness.processBothWatermarks(event.timestampMs);
      else if (event.input === 0) harness.processElement1(event.value, event.timestampMs);
      else harness.processElement2(event.value, event.timestampMs);
    };
    return { ...started(harness), give };
  };
  return { name, inputs: 2, spec: operator.spec, start };
}

/** Gives the operator the events in every way. @internal */
export async function neighbourRuns(
  operator: OperatorUnderTest,
  events: readonly SubtaskEvent[],
): Promise<NeighbourRuns> {
  const plain = operator.start();
  for (const event of events) {
    plain.give(event);
    await plain.settle();
  }
  const found: Record<string, Outputs> = {};
  for (const isAtOnce of [false, true]) {
    for (const refuses of [false, true]) {
      const name = `${isAtOnce ? "all at once" : "one by one"}, ${refuses ? "refused every second time" : "never refused"}`;
      found[name] = await runSubtask(operator.spec, events, { isAtOnce, refuses });
    }
  }
  found["restored after every step"] = await restoredAfterEveryStep(operator, events);
  return { expected: plain.take(), found };
}

async function restoredAfterEveryStep(operator: OperatorUnderTest, events: readonly SubtaskEvent[]): Promise<Outputs> {
  const output: TimestampedValue<unknown>[] = [];
  let running = operator.start();
  for (const [index, event] of events.entries()) {
    running.give(event);
    // Every second time it is stopped while promises are open.
    if (index % 2 === 1 || event.kind === "end") await running.settle();
    output.push(...running.take());
    running = operator.start(running.snapshot());
  }
  return output;
}

function started(
  harness: OneInputOperatorTestHarness<unknown, unknown> | TwoInputOperatorTestHarness<unknown, unknown, unknown>,
): Omit<StartedOperator, "give"> {
  return {
    settle: () => harness.settle(),
    take: () => harness.getOutput(),
    snapshot: () => harness.snapshot(),
  };
}

function operatorOf(build: (env: PipelineEnvironment) => AddsOperator): Transformation {
  return build(harnessEnvironment()).transformation;
}

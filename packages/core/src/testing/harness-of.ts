/** Makes harnesses of what a pipeline's methods add to a stream, so that an operator under test is written as in a job. */
import type { DataStream, SingleOutputStreamOperator } from "../api/data-stream.ts";
import { PipelineEnvironment } from "../api/environment.ts";
import { Configuration } from "../config/configuration.ts";
import { CollectionSource } from "../connectors/collection-source.ts";
import type { Transformation } from "../graph/transformation.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import {
  OneInputOperatorTestHarness,
  type OperatorTestHarnessOptions,
  TwoInputOperatorTestHarness,
} from "./operator-test-harness.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/**
 * A harness of the one operator that `build` adds to a stream. What is keyed is said as in a job, with `keyBy`.
 *
 * @param build - Adds one operator to the stream and returns its results.
 * @throws MillraceError `MR_TEST_KIT_MISUSED` when there is no operator, or more than one: use `JobTestDriver` for those
 * @example
 * const harness = harnessOf((clicks: DataStream<Click>) => clicks.keyBy((click) => click.user).process(new Sessions()));
 * harness.processElement({ user: "ada", at: 1_000 }, 1_000);
 * harness.processWatermark(60_000);
 * expect(harness.extractOutputValues()).toEqual([{ user: "ada", clicks: 1 }]);
 * @public
 */
export function harnessOf<In, Out>(
  build: (input: DataStream<In>) => SingleOutputStreamOperator<Out>,
  options: OperatorTestHarnessOptions = {},
): OneInputOperatorTestHarness<In, Out> {
  const env = harnessEnvironment();
  const input = harnessInput<In>(env, "input");
  return new OneInputOperatorTestHarness<In, Out>(onlyOperatorOf(env, build(input), 1), options);
}

/**
 * As {@link harnessOf}, of an operator with two inputs: connected streams, keyed or not, a broadcast stream, a join.
 *
 * @example
 * const harness = twoInputHarnessOf((orders: DataStream<Order>, payments: DataStream<Payment>) =>
 *   orders.keyBy((order) => order.id).connect(payments.keyBy((payment) => payment.order)).process(new Matcher()),
 * );
 * @public
 */
export function twoInputHarnessOf<In1, In2, Out>(
  build: (first: DataStream<In1>, second: DataStream<In2>) => SingleOutputStreamOperator<Out>,
  options: OperatorTestHarnessOptions = {},
): TwoInputOperatorTestHarness<In1, In2, Out> {
  const env = harnessEnvironment();
  const first = harnessInput<In1>(env, "input 1");
  const second = harnessInput<In2>(env, "input 2");
  return new TwoInputOperatorTestHarness<In1, In2, Out>(onlyOperatorOf(env, build(first, second), 2), options);
}

/** Of a pipeline that is never run. @internal */
export function harnessEnvironment(): PipelineEnvironment {
  const refusal = testKitMisused("A harness runs no job", "execute()", "Leave execute() out, or use JobTestDriver");
  const executor = { executeAsync: () => Promise.reject(refusal) };
  return new PipelineEnvironment({ executor, configuration: new Configuration() });
}

/** A stream without records, for operators to be added to. @internal */
export function harnessInput<T>(env: PipelineEnvironment, name: string): DataStream<T> {
  return env.fromSource<T, never, unknown>(CollectionSource.of<T>([]) as never, WatermarkStrategy.noWatermarks(), name);
}

function onlyOperatorOf(
  env: PipelineEnvironment,
  result: { readonly transformation: Transformation },
  inputCount: number,
): Transformation {
  const added = env.getTransformations().filter(({ spec }) => spec.kind !== "source");
  const operator = result.transformation;
  if (
    added.length === 1 &&
    added[0] === operator &&
    new Set(operator.inputs.map(({ input }) => input)).size === inputCount
  )
    return operator;
  throw testKitMisused(
    `A harness runs one operator with ${inputCount === 1 ? "one input" : "two inputs"}`,
    added.length === 0 ? "no operator" : added.map(({ name }) => name).join(" -> "),
    "Test the operators one by one, or all of them with JobTestDriver",
  );
}

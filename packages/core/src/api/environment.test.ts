import { expect, test } from "vitest";
import { CHECKPOINTING_INTERVAL } from "../config/checkpointing-options.ts";
import { Configuration } from "../config/configuration.ts";
import { DEFAULT_PARALLELISM } from "../config/pipeline-options.ts";
import { CollectionSource } from "../connectors/collection-source.ts";
import { StallExplanation } from "../graph/stall/stall-explanation.ts";
import type { Transformation } from "../graph/transformation.ts";
import { AccumulatorResults } from "../operators/accumulators/accumulator-results.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { t } from "../types/declared-types.ts";
import { PipelineEnvironment } from "./environment.ts";
import type { JobClient, JobProgress } from "./job-client.ts";
import { JobExecutionResult } from "./job-execution-result.ts";
import type { ExecuteOptions, Pipeline } from "./job-executor.ts";

const result = new JobExecutionResult(
  {
    jobId: "1",
    jobName: "job",
    netRuntimeMs: 1,
    recordsRead: 0,
    recordsWritten: 0,
    checkpointsCompleted: 0,
    restartCount: 0,
  },
  AccumulatorResults.none,
);

const progress: JobProgress = {
  status: "FINISHED",
  recordsRead: 0,
  recordsWritten: 0,
  watermarkMs: undefined,
  checkpoints: { completed: 0, failed: 0, lastId: undefined, lastPath: undefined, lastCompletedMs: undefined },
  restarts: 0,
  tasks: [],
};

function recording(configuration: Configuration = Configuration.fromEntries([])): {
  readonly env: PipelineEnvironment;
  readonly started: (Pipeline & ExecuteOptions)[];
} {
  const started: (Pipeline & ExecuteOptions)[] = [];
  const client: JobClient = {
    jobId: "1",
    getJobId: () => "1",
    getAccumulators: () => Promise.resolve(new Map()),
    getJobStatus: () => Promise.resolve("FINISHED"),
    getJobExecutionResult: () => Promise.resolve(result),
    cancel: () => Promise.resolve(),
    stop: () => Promise.resolve(undefined),
    triggerSavepoint: () => Promise.resolve("/savepoint"),
    stopWithSavepoint: () => Promise.resolve("/savepoint"),
    getProgress: () => progress,
    getMetrics: () => Promise.resolve([]),
    explainStall: () => Promise.resolve(new StallExplanation("FINISHED", 0, [])),
  };
  const executor = {
    executeAsync: (pipeline: Pipeline, options: ExecuteOptions) => {
      started.push({ ...pipeline, ...options });
      return Promise.resolve(client);
    },
  };
  return { env: new PipelineEnvironment({ executor, configuration }), started };
}

function valuesOf(transformation: Transformation): unknown {
  const { spec } = transformation;
  return spec.kind === "source" ? spec.source.description : undefined;
}

test("an iterable, with or without a type, stands for its values; anything else is a value", () => {
  const { env } = recording();
  const counts = [
    env.fromData([1, 2, 3]),
    env.fromData(new Set([1, 2]), t.int32),
    env.fromData(1, 2, 3, 4),
    env.fromData("text"),
    env.fromData([1, 2], [3, 4]),
    env.fromData([]),
    env.fromData({ a: 1 }),
  ].map((stream) => valuesOf(stream.transformation));
  const collection = (count: number): unknown => ({ kind: "collection", options: { count } });
  expect(counts).toEqual([3, 2, 4, 1, 2, 0, 1].map(collection));
});

test("F07: values of the program are read by one subtask, in order; a sequence by all", () => {
  const { env } = recording();
  expect(env.fromData([1], t.int32).transformation).toMatchObject({
    parallelism: 1,
    name: "Source: Collection Source",
  });
  expect(env.fromSequence(1, 10).transformation.parallelism).toBeUndefined();
});

test("a source keeps its strategy and its name", () => {
  const { env } = recording();
  const strategy = WatermarkStrategy.forMonotonousTimestamps<number>();
  const { transformation } = env.fromSource(CollectionSource.of([1]), strategy, "numbers");
  expect(transformation.name).toBe("Source: numbers");
  expect(transformation.spec).toMatchObject({ kind: "source", strategy });
});

test("settings from code are in the configuration, under the command line's", () => {
  const layers = { "command line": [{ key: "parallelism.default", value: "7" }] };
  const { env } = recording(Configuration.fromLayers(layers));
  env.setParallelism(3).setMaxParallelism(256).enableCheckpointing("10 s", "EXACTLY_ONCE");
  expect(env.getParallelism()).toBe(7);
  expect(env.getMaxParallelism()).toBe(256);
  expect(env.getConfig().get(CHECKPOINTING_INTERVAL)).toBe(10_000);
  expect(recording().env.setParallelism(3).getConfig().get(DEFAULT_PARALLELISM)).toBe(3);
});

test("the checkpoint settings are read and written under Flink's names", () => {
  const config = recording().env.getCheckpointConfig();
  expect([config.isCheckpointingEnabled(), config.getCheckpointInterval()]).toEqual([false, undefined]);
  config
    .setCheckpointInterval("1 min")
    .setCheckpointingMode("EXACTLY_ONCE")
    .setCheckpointTimeout("5 min")
    .setMinPauseBetweenCheckpoints("30 s")
    .setMaxConcurrentCheckpoints(1)
    .setTolerableCheckpointFailureNumber(2)
    .setExternalizedCheckpointRetention("RETAIN_ON_CANCELLATION");
  expect(config.isCheckpointingEnabled()).toBe(true);
  expect(config.getCheckpointInterval()).toBe(60_000);
  expect(config.getCheckpointingMode()).toBe("EXACTLY_ONCE");
  expect(config.getCheckpointTimeout()).toBe(300_000);
  expect(config.getMinPauseBetweenCheckpoints()).toBe(30_000);
  expect(config.getMaxConcurrentCheckpoints()).toBe(1);
  expect(config.getTolerableCheckpointFailureNumber()).toBe(2);
  expect(config.getExternalizedCheckpointRetention()).toBe("RETAIN_ON_CANCELLATION");
  expect(() => config.setCheckpointInterval("1 ms")).toThrow(/MR_CONFIG_INVALID/);
});

test("S01: execute hands over what was built, with its name and a configuration of its own, and waits", async () => {
  const { env, started } = recording();
  env.fromData([1]).print();
  expect(await env.execute("first")).toBe(result);
  expect(started).toHaveLength(1);
  expect(started[0]).toMatchObject({ name: "first", isAttached: true });
  expect(started[0]!.transformations.map(({ name }) => name)).toEqual(["Source: Collection Source", "Sink: print"]);
  env.setParallelism(5);
  expect(started[0]!.configuration.get(DEFAULT_PARALLELISM)).toBe(1);
});

test("a job without a name has the configured one, or one that says what it is", async () => {
  const { env, started } = recording(Configuration.fromEntries([{ key: "pipeline.name", value: "configured" }]));
  expect((await env.executeAsync()).jobId).toBe("1");
  const other = recording();
  await other.env.executeAsync();
  expect([...started, ...other.started].map(({ name, isAttached }) => [name, isAttached])).toEqual([
    ["configured", false],
    ["Millrace Streaming Job", false],
  ]);
  await expect(env.execute("")).rejects.toThrow(/MR_ARGUMENT_INVALID execute .*a job name/);
});

test("S01: an execution holds what is new since the last one, and what feeds it", async () => {
  const { env, started } = recording();
  const numbers = env.fromSequence(1, 3);
  numbers.print();
  await env.execute();
  expect(env.getTransformations()).toEqual([]);
  numbers.map((n) => n).print();
  await env.execute();
  expect(started[1]!.transformations.map(({ id, name }) => [id, name])).toEqual([
    [0, "Source: Sequence Source"],
    [2, "Map"],
    [3, "Sink: print"],
  ]);
});

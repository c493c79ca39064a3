import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { WriterInitContext } from "../connectors/sink.ts";
import { PipelineEnvironment } from "./environment.ts";
import type { JobClient } from "./job-client.ts";
import type { JobExecutionResult } from "./job-execution-result.ts";
import type { Pipeline } from "./job-executor.ts";

/**
 * Runs nothing but the last sink of a pipeline, on values of the test. A job that is cancelled stops writing and fails;
 * one that is given an error fails with it after its values.
 */
class SinkOnlyJob {
  readonly written: number[] = [];
  readonly values: Iterable<number>;
  readonly failure: Error | undefined;
  isCancelled = false;
  hasEnded = false;
  name = "";

  constructor(values: Iterable<number>, failure?: Error) {
    this.values = values;
    this.failure = failure;
  }

  executeAsync(pipeline: Pipeline): Promise<JobClient> {
    this.name = pipeline.name;
    const end = this.#write(pipeline);
    end.catch(() => {});
    return Promise.resolve({
      jobId: "1",
      getJobId: () => "1",
      getAccumulators: () => Promise.reject(new Error("not part of this test")),
      getJobStatus: () => Promise.resolve("RUNNING"),
      getJobExecutionResult: () => end,
      cancel: async () => {
        this.isCancelled = !this.hasEnded;
        await end.catch(() => {});
      },
      stop: () => Promise.reject(new Error("not part of this test")),
      triggerSavepoint: () => Promise.reject(new Error("not part of this test")),
      stopWithSavepoint: () => Promise.reject(new Error("not part of this test")),
      getMetrics: () => Promise.resolve([]),
      explainStall: () => Promise.reject(new Error("not part of this test")),
      getProgress: () => {
        throw new Error("not part of this test");
      },
    });
  }

  async #write(pipeline: Pipeline): Promise<JobExecutionResult> {
    const { spec, parallelism } = pipeline.transformations.at(-1)!;
    expect(parallelism).toBe(1);
    if (spec.kind !== "sink") throw new Error(`no sink but ${spec.kind}`);
    const writer = spec.sink.createWriter({} as WriterInitContext, []);
    for (const value of this.values) {
      await Promise.resolve();
      while (!this.isCancelled && !writer.isAvailable())
        await Promise.race([writer.whenAvailable(), Promise.resolve()]);
      if (this.isCancelled) break;
      this.written.push(value);
      writer.write(value, { timestamp: 0, currentWatermark: 0 });
    }
    this.hasEnded = true;
    if (this.isCancelled) throw new Error("cancelled");
    if (this.failure !== undefined) throw this.failure;
    return {} as JobExecutionResult;
  }
}

function environment(job: SinkOnlyJob): PipelineEnvironment {
  return new PipelineEnvironment({ executor: job, configuration: Configuration.fromEntries([]) });
}

function* upTo(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n;
}

test("F31: executeAndCollect brings all records in order, and its loop ends with the job", async () => {
  const job = new SinkOnlyJob(upTo(3000));
  const seen: number[] = [];
  for await (const n of environment(job).fromData([0]).executeAndCollect("collecting")) seen.push(n);
  expect(seen).toEqual([...upTo(3000)]);
  expect([job.name, job.isCancelled]).toEqual(["collecting", false]);
});

test("F31: leaving the loop cancels the job and waits for its end", async () => {
  const job = new SinkOnlyJob(upTo(1_000_000));
  for await (const n of environment(job).fromData([0]).executeAndCollect()) {
    if (n === 5) break;
  }
  expect([job.isCancelled, job.hasEnded]).toEqual([true, true]);
  expect(job.written.length).toBeLessThan(10_000);
});

test("an error in the loop's body cancels the job too", async () => {
  const job = new SinkOnlyJob(upTo(1_000_000));
  const loop = async (): Promise<void> => {
    for await (const n of environment(job).fromData([0]).executeAndCollect()) throw new Error(`on ${n}`);
  };
  await expect(loop()).rejects.toThrow("on 0");
  expect(job.hasEnded).toBe(true);
});

test("F31: a limit gives the first records as an array; a job with fewer gives them all", async () => {
  const job = new SinkOnlyJob(upTo(1_000_000));
  expect(await environment(job).fromData([0]).executeAndCollect(3)).toEqual([0, 1, 2]);
  expect(job.hasEnded).toBe(true);
  const short = new SinkOnlyJob([7]);
  expect(await environment(short).fromData([0]).executeAndCollect("named", 3)).toEqual([7]);
  expect([short.name, short.isCancelled]).toEqual(["named", false]);
});

test("what the job failed with is thrown after the records that came before", async () => {
  const seen: number[] = [];
  const stream = environment(new SinkOnlyJob([1, 2], new Error("disk full")))
    .fromData([0])
    .executeAndCollect();
  const loop = async (): Promise<void> => {
    for await (const n of stream) seen.push(n);
  };
  await expect(loop()).rejects.toThrow("disk full");
  expect(seen).toEqual([1, 2]);
});

test("a job that cannot start throws where the records are read", async () => {
  const executor = { executeAsync: () => Promise.reject(new Error("no such graph")) };
  const env = new PipelineEnvironment({ executor, configuration: Configuration.fromEntries([]) });
  await expect(env.fromData([1]).executeAndCollect().toArray()).rejects.toThrow("no such graph");
  await env.fromData([1]).executeAndCollect().close();
});

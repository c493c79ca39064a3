import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { EXECUTION_TARGET } from "../config/execution-options.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import type { JobListener } from "./job-listener.ts";

/** Writes down what it is told. */
class Diary implements JobListener {
  readonly entries: string[] = [];
  readonly #name: string;

  constructor(name = "") {
    this.#name = name;
  }

  onJobSubmitted: NonNullable<JobListener["onJobSubmitted"]> = (client, error) => {
    const told = client === undefined ? `not submitted: ${codeOf(error)}` : `submitted ${client.getJobId().length}`;
    this.entries.push(`${this.#name}${told}`);
  };

  onJobExecuted: NonNullable<JobListener["onJobExecuted"]> = (result, error) => {
    const told = result === undefined ? `failed: ${codeOf(error)}` : `executed ${result.jobName}`;
    this.entries.push(`${this.#name}${told}`);
  };
}

function codeOf(error: unknown): string {
  return (error as { readonly code: string }).code;
}

function environment(platform: SimulatedPlatform): StreamExecutionEnvironment {
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries([]));
}

describe("F31: job listeners", () => {
  test("a listener is told when a job has started and when it has ended", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const env = environment(platform);
    const diary = new Diary();
    env.registerJobListener(diary);
    env.fromSequence(1, 3).print();
    await platform.run(() => env.execute("three"));
    expect(diary.entries).toEqual(["submitted 32", "executed three"]);
  });

  test("a listener is told what a job failed with, and why one could not start", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    const env = environment(platform);
    const diary = new Diary();
    env.registerJobListener(diary);
    env
      .fromSequence(1, 3)
      .map((n): number => {
        throw new Error(`at ${n}`);
      })
      .print();
    await platform.run(() => expect(env.execute()).rejects.toThrow("MR_USER_FUNCTION_FAILED"));
    env.getConfig().set(EXECUTION_TARGET, "threads");
    env.fromSequence(1, 3).print();
    await platform.run(() => expect(env.execute()).rejects.toThrow("MR_TARGET_NEEDS_MODULE"));
    expect(diary.entries).toEqual([
      "submitted 32",
      "failed: MR_USER_FUNCTION_FAILED",
      "not submitted: MR_TARGET_NEEDS_MODULE",
    ]);
  });

  test("a listener is told about the end only by execute; the client tells it after executeAsync", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const env = environment(platform);
    const diary = new Diary();
    env.registerJobListener(diary);
    await platform.run(async () => {
      env.fromSequence(1, 3).print();
      const client = await env.executeAsync();
      await client.getJobExecutionResult();
      expect(await env.fromSequence(1, 3).executeAndCollect(10)).toHaveLength(3);
    });
    expect(diary.entries).toEqual(["submitted 32", "submitted 32"]);
  });

  test("listeners are called in the order of registration, until they are cleared", async () => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const env = environment(platform);
    const first = new Diary("a ");
    const second = new Diary("b ");
    Object.defineProperty(second, "entries", { value: first.entries });
    expect(env.registerJobListener(first).registerJobListener(second).getJobListeners()).toEqual([first, second]);
    env.fromSequence(1, 3).print();
    await platform.run(() => env.execute("one"));
    expect(first.entries).toEqual(["a submitted 32", "b submitted 32", "a executed one", "b executed one"]);
    expect(env.clearJobListeners().getJobListeners()).toEqual([]);
    env.fromSequence(1, 3).print();
    await platform.run(() => env.execute("two"));
    expect(first.entries).toHaveLength(4);
  });

  test("a listener that throws, or whose promise is rejected, changes nothing but a warning", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const env = environment(platform);
    const diary = new Diary();
    env.registerJobListener({
      onJobSubmitted: () => {
        throw new RangeError("no ink");
      },
      onJobExecuted: async () => {
        throw new RangeError("no paper");
      },
    });
    env.registerJobListener(diary);
    env.fromSequence(1, 3).print();
    const result = await platform.run(() => env.execute("three"));
    expect(result.recordsRead).toBe(3);
    expect(diary.entries).toEqual(["submitted 32", "executed three"]);
    await Promise.resolve();
    expect(platform.proc.errorOutput()).toMatch(/warning: MR_JOB_LISTENER_FAILED onJobSubmitted.*no ink/);
    expect(platform.proc.errorOutput()).toMatch(/warning: MR_JOB_LISTENER_FAILED onJobExecuted.*no paper/);
  });

  test.each([[undefined], [{}], [() => {}], [{ onJobExecuted: "soon" }], [{ onJobStarted: () => {} }]])(
    "what is no listener is refused: %s",
    (listener) => {
      const env = environment(createSimulatedPlatform({ seed: 6 }));
      expect(() => env.registerJobListener(listener as JobListener)).toThrow(/MR_ARGUMENT_INVALID.*onJobSubmitted/s);
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { DiscardingSink } from "../connectors/discarding-sink.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type { Collector, ProcessContext, RuntimeContext } from "../operators/functions.ts";
import type { ListState } from "../state/keyed-state.ts";
import { listState } from "../state/state-descriptors.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { checkJob } from "./check-job.ts";

interface Click {
  readonly user: string;
  readonly at: number;
}

const clicks: readonly Click[] = Array.from({ length: 40 }, (_, index) => ({
  user: `user ${(index * 7) % 5}`,
  at: index * 300,
}));

/** A job whose source has no end, as the ones in use. */
function jobOf<R>(build: (stream: DataStream<Click>) => DataStream<R>): (env: StreamExecutionEnvironment) => void {
  return (env) => {
    const source = DataGeneratorSource.of((i): Click => ({ user: "nobody", at: i }), Number.MAX_SAFE_INTEGER);
    Object.defineProperty(source, "boundedness", { value: "continuous-unbounded" });
    const stream = env.fromSource(source, { boundedOutOfOrderness: "2 s", timestamp: (click) => click.at }, "clicks");
    build(stream).sinkTo(DiscardingSink.of()).name("results");
  };
}

const count = { createAccumulator: () => 0, add: (_: Click, n: number) => n + 1, getResult: (n: number) => n };

const counts = jobOf((stream) =>
  stream
    .keyBy((click) => click.user)
    .window(TumblingEventTimeWindows.of("3 s"))
    .aggregate(count, (user, window, clicks) => ({ user, start: window.start, clicks }))
    .uid("counts"),
);

/** Seeded, so that a test that finds a bug finds it in every run. */
const found = { seed: 1, numRuns: 40, inputs: { clicks } } as const;

describe("U15: checkJob", () => {
  test("a job that counts in windows has the same result, however its records arrive and wherever it restarts", async () => {
    await checkJob(fc, counts, { inputs: { clicks }, numRuns: 10, seed: 5 });
  });

  test("records may be of any time: the simulated clock has nothing to do with them", async () => {
    const recorded = clicks.map((click) => ({ ...click, at: click.at + Date.UTC(2100, 0) }));
    await checkJob(fc, counts, { inputs: { clicks: recorded }, numRuns: 5, seed: 5 });
  });

  test("records may come from an arbitrary, and running totals are compared by their last row", async () => {
    const totals = jobOf((stream) =>
      stream
        .map((click) => ({ user: click.user, clicks: 1 }))
        .keyBy((total) => total.user)
        .sum("clicks")
        .uid("totals"),
    );
    const inputs = {
      clicks: fc.array(fc.record({ user: fc.constantFrom("a", "b"), at: fc.nat(5000) }), { maxLength: 20 }),
    };
    const last = (rows: readonly { readonly user: string; readonly clicks: number }[]): unknown =>
      new Map(rows.map((row) => [row.user, row.clicks]));
    await checkJob(fc, totals, { inputs, resultOf: last, numRuns: 10, seed: 2 });
  });

  test("it finds a fold that depends on the order of records", async () => {
    const first = jobOf((stream) =>
      stream
        .keyBy((click) => click.user)
        .window(TumblingEventTimeWindows.of("6 s"))
        .reduce((accumulated) => accumulated)
        .uid("first"),
    );
    const failure = checkJob(fc, first, { ...found, inputs: { clicks: clicks.slice(0, 6) } });
    await expect(failure).rejects.toThrow(
      /MR_JOB_CHECK_FAILED.*seed 1, path .*sink "results" lacks .*arriving late by/,
    );
    await expect(failure).rejects.toThrow(/in one batch, at parallelism 1/);
  });

  test("it finds state in a plain field, by a restart alone", async () => {
    class Numbered {
      private next = 0;
      map(click: Click): string {
        return `${this.next++} ${click.at}`;
      }
    }
    const numbered = jobOf((stream) => stream.map(new Numbered()).setParallelism(1));
    const failure = checkJob(fc, numbered, { ...found, parallelismMax: 1, inputs: { clicks: clicks.slice(0, 5) } });
    await expect(failure).rejects.toThrow(/MR_JOB_CHECK_FAILED/);
  });

  /** The records of the case that a failure shows. */
  const recordsShown = (failure: unknown): readonly Click[] =>
    JSON.parse(/clicks (\[.*?\])/.exec(String(failure))![1]!) as readonly Click[];

  test("it shrinks what fails to a smallest case: the records that meet in the wrong order, and nothing else that differs", async () => {
    const last = jobOf((stream) =>
      stream
        .keyBy((click) => click.user)
        .window(TumblingEventTimeWindows.of("12 s"))
        .reduce((_accumulated, click) => click)
        .uid("last"),
    );
    const failure: unknown = await checkJob(fc, last, { ...found, inputs: { clicks: clicks.slice(0, 16) } }).catch(
      (error: unknown) => error,
    );
    // Without a restart. That the parallelism becomes 1 is shown above; here it may be what brings the two out of order.
    expect(String(failure)).toMatch(/MR_JOB_CHECK_FAILED.*splits?, in one batch, at parallelism \d\. Expected/);
    const records = recordsShown(failure);
    // The two of one user, and perhaps some that send them to different splits.
    expect(records.length).toBeLessThanOrEqual(4);
    expect(new Set(records.map(({ user }) => user)).size).toBe(records.length - 1);
  });

  test("a rescale finds what a restart does not: counts by key in a field that is saved by subtask", async () => {
    class CountsByKey {
      private counts = new Map<string, number>();
      private saved!: ListState<readonly (readonly [string, number])[]>;
      initializeState({ operatorStateStore }: FunctionInitializationContext): void {
        this.saved = operatorStateStore.getListState(listState("counts"));
        for (const entries of this.saved.get()) for (const [user, count] of entries) this.counts.set(user, count);
      }
      snapshotState(): void {
        this.saved.update([[...this.counts]]);
      }
      map({ user }: Click): { readonly user: string; readonly count: number } {
        const count = (this.counts.get(user) ?? 0) + 1;
        this.counts.set(user, count);
        return { user, count };
      }
    }
    const wrong = jobOf((stream) =>
      stream
        .keyBy((click) => click.user)
        .map(new CountsByKey())
        .uid("counts"),
    );
    // Without other parallelisms nothing is wrong, wherever it restarts.
    await checkJob(fc, wrong, { ...found, numRuns: 5, parallelismMax: 1, inputs: { clicks: clicks.slice(0, 16) } });
    const failure = checkJob(fc, wrong, { ...found, inputs: { clicks: clicks.slice(0, 16) } });
    await expect(failure).rejects.toThrow(/MR_JOB_CHECK_FAILED.*restarted .* at parallelism [123]/);
    const records = recordsShown(await failure.catch((error: unknown) => error));
    expect(records.length).toBeLessThanOrEqual(3);
  });

  test("it finds a function that depends on chance", async () => {
    const chance = jobOf((stream) => stream.map((click) => `${click.at} ${Math.random()}`));
    await expect(checkJob(fc, chance, { ...found, inputs: { clicks: clicks.slice(0, 3) } })).rejects.toThrow(
      /MR_JOB_CHECK_FAILED.*in order, one split, in one batch, at parallelism 1/,
    );
  });

  test("it finds a result that depends on where a batch ends", async () => {
    const watermarks = jobOf((stream) =>
      stream.process({
        processElement: (click: Click, context: ProcessContext, out: Collector<string>) =>
          out.collect(`${click.at} ${context.currentWatermark() > 0}`),
      }),
    );
    await expect(checkJob(fc, watermarks, { ...found, restartsMax: 0, parallelismMax: 1 })).rejects.toThrow(
      /MR_JOB_CHECK_FAILED.*in batches of/,
    );
  });

  test("a job that fails in a plain run is said to fail, not to depend on how it was run; the cause is the job's", async () => {
    const failing = jobOf((stream) =>
      stream.map((click) => {
        if (click.user === "user 3") throw new TypeError("nobody knows user 3");
        return click.at;
      }),
    );
    const failure = checkJob(fc, failing, { ...found, inputs: { clicks: clicks.slice(0, 10) } });
    await expect(failure).rejects.toThrow(
      /^MR_JOB_CHECK_FAILED The job fails before anything is varied .*nobody knows user 3.*steps: clicks \[\{"user":"user 3",[^}]*\}\]\. Expected: a run in order/,
    );
    const error = (await failure.catch((reason: unknown) => reason)) as Error;
    expect(String((error.cause as Error).message)).toContain("nobody knows user 3");
  });

  test("a job that fails only when it is run in another way is said to", async () => {
    const failing = jobOf((stream) =>
      stream.process({
        open(context: RuntimeContext) {
          if (context.numberOfParallelSubtasks > 1) throw new Error("there can be only one");
        },
        processElement: (click: Click, _context: ProcessContext, out: Collector<number>) => out.collect(click.at),
      }),
    );
    await expect(checkJob(fc, failing, { ...found, inputs: { clicks: clicks.slice(0, 3) } })).rejects.toThrow(
      /^MR_JOB_CHECK_FAILED Whether the job fails depends on how it was run .*there can be only one.*at parallelism 2/,
    );
  });

  test("misuse says what to do: an input that is no source, a source without end and without records", async () => {
    await expect(checkJob(fc, counts, { inputs: { clicks, orders: [] }, numRuns: 1 })).rejects.toThrow(
      /^MR_TEST_KIT_MISUSED.*no source of this name.*"orders"/,
    );
    await expect(checkJob(fc, counts, { inputs: {}, numRuns: 1 })).rejects.toThrow(
      /^MR_TEST_KIT_MISUSED.*without end.*"clicks"/,
    );
  });
});

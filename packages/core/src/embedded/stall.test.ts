/** Each cause of a stall is produced in a job of its own, which is asked after some simulated seconds why nothing comes out. */
import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Sink } from "../connectors/sink.ts";
import type { Source, SplitEnumeratorContext } from "../connectors/source.ts";
import type { StallCauseKind, StallExplanation, StallFinding } from "../graph/stall/stall-explanation.ts";
import type { KeyedProcessFunction } from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { type ScriptedRecord, scriptedSource } from "../testing/scripted-source.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";

const HOUR_MS = 3_600_000;

interface Settings {
  readonly parallelism?: number;
  readonly askedAfterMs?: number;
  readonly more?: Readonly<Record<string, string>>;
}

type Build = (env: StreamExecutionEnvironment, platform: SimulatedPlatform) => void;

/** Runs the job for a while, asks it, and cancels it. */
async function ask(build: Build, settings: Settings = {}): Promise<StallExplanation> {
  const { parallelism = 1, askedAfterMs = 40_000, more = {} } = settings;
  const platform = createSimulatedPlatform({ seed: 9 });
  const entries = Object.entries({ "parallelism.default": String(parallelism), ...more });
  const env = StreamExecutionEnvironment.on(
    platform,
    Configuration.fromEntries(entries.map(([key, value]) => ({ key, value }))),
  );
  build(env, platform);
  return platform.run(async () => {
    const client = await env.executeAsync("job");
    await new Promise<void>((resolve) => void platform.clock.after(askedAfterMs, resolve));
    const explanation = await client.explainStall();
    await client.cancel();
    return explanation;
  }, HOUR_MS);
}

/** A record every 100 ms, whose event time is when it comes; one more after an hour, so that the split does not end. */
function steady(untilMs: number): ScriptedRecord<number>[] {
  const records: ScriptedRecord<number>[] = [];
  for (let atMs = 0; atMs < untilMs; atMs += 100) records.push({ atMs, value: atMs });
  return [...records, { atMs: HOUR_MS, value: HOUR_MS }];
}

const never: ScriptedRecord<number>[] = [{ atMs: HOUR_MS, value: HOUR_MS }];
const ownTime = (n: number): number => n;
const bounded = WatermarkStrategy.forBoundedOutOfOrderness<number>("500 ms").withTimestampAssigner(ownTime);
const withIdleness = WatermarkStrategy.forBoundedOutOfOrderness<number>("500 ms")
  .withIdleness("5 s")
  .withTimestampAssigner(ownTime);

const discard: Sink<unknown> = {
  description: { kind: "discard", options: {} },
  createWriter: () => ({
    write: () => {},
    isAvailable: () => true,
    whenAvailable: () => Promise.resolve(),
    prepareCommit: () => [],
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
};

function perMinute(stream: DataStream<number>, sink: Sink<never> = discard as Sink<never>): void {
  stream
    .keyBy((n) => n % 300)
    .window(TumblingEventTimeWindows.of("1 min"))
    .reduce((a, b) => a + b)
    .uid("per-minute")
    .name("per-minute")
    .sinkTo(sink as never);
}

function only(explanation: StallExplanation, what: StallFinding["what"], kind: StallCauseKind): StallFinding {
  const found = explanation.findings.filter((finding) => finding.what === what && finding.cause.kind === kind);
  expect(found, explanation.text).toHaveLength(1);
  return found[0]!;
}

describe("U09: what holds a window back", () => {
  test.each([1, 2])("a silent split that does not fall idle is named, at parallelism %i", async (parallelism) => {
    const explanation = await ask(
      (env) => perMinute(env.fromSource(scriptedSource([steady(HOUR_MS), steady(6000)]), bounded, "flights").uid("f")),
      { parallelism },
    );
    const finding = only(explanation, "window", "silent");
    expect(finding.cause.splits).toEqual(["1"]);
    expect(finding.cause.at).toMatchObject({ operator: "Source: flights", subtaskIndex: parallelism - 1, parallelism });
    expect(finding.window).toEqual({ start: 0, end: 60_000 });
    expect(finding).toMatchObject({ neededMs: 59_999, watermarkMs: 5399, keys: 3 });
    expect(finding.text).toMatch(
      /^window \[1970-01-01 00:00:00, 00:01:00\) of "per-minute" \(3 keys.*\) waits for watermark 1970-01-01 00:00:59.999; it is at 1970-01-01 00:00:05.399: "Source: flights" subtask .*, split 1: no record for 34 s/,
    );
    expect(finding.cause.todo).toContain("withIdleness");
    expect(finding.path.at(-1)!.at.operator).toBe("Source: flights");
  });

  test("a split that has had no record, so that there is no watermark at all", async () => {
    const explanation = await ask((env) =>
      perMinute(env.fromSource(scriptedSource([steady(HOUR_MS), never]), bounded, "flights").uid("f")),
    );
    const finding = only(explanation, "window", "noRecordYet");
    expect(finding).toMatchObject({ watermarkMs: undefined, cause: { splits: ["1"] } });
  });

  test.each(["at the source", "in the pipeline"])("no watermark strategy, %s", async (where) => {
    const none = WatermarkStrategy.noWatermarks<number>().withTimestampAssigner(ownTime);
    const explanation = await ask((env) => {
      const atSource = where === "at the source" ? none : WatermarkStrategy.noWatermarks<number>();
      const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), atSource, "flights").uid("f");
      perMinute(where === "at the source" ? stream : stream.assignTimestampsAndWatermarks(none).name("times"));
    });
    const finding = only(explanation, "window", "noWatermarks");
    expect(finding.cause.at!.operator).toBe(where === "at the source" ? "Source: flights" : "times");
  });

  test("timestamps that are assigned in the pipeline, of a source that is silent", async () => {
    const explanation = await ask(
      (env) => {
        const source = scriptedSource([steady(6000)]);
        const stream = env.fromSource(source, WatermarkStrategy.noWatermarks<number>(), "flights").uid("f");
        perMinute(stream.rebalance().map(ownTime).assignTimestampsAndWatermarks(bounded));
      },
      { parallelism: 2 },
    );
    const finding = only(explanation, "window", "silent");
    expect(finding.cause).toMatchObject({ splits: ["0"], at: { operator: "Source: flights" } });
  });

  test("a generator of the job's own that emits nothing", async () => {
    const mute = WatermarkStrategy.forGenerator<number>(() => ({
      onEvent: () => {},
      onPeriodicEmit: () => {},
    })).withTimestampAssigner(ownTime);
    const explanation = await ask((env) =>
      perMinute(env.fromSource(scriptedSource([steady(HOUR_MS)]), mute, "flights").uid("f")),
    );
    only(explanation, "window", "generator");
  });

  test.each([1, 2])("a source that is idle altogether, at parallelism %i", async (parallelism) => {
    const explanation = await ask(
      (env) => perMinute(env.fromSource(scriptedSource([steady(6000)]), withIdleness, "flights").uid("f")),
      { parallelism },
    );
    const finding = only(explanation, "window", "idle");
    expect(finding.cause.splits).toEqual(["0"]);
  });

  test("a subtask that has no split", async () => {
    const source = scriptedSource([steady(HOUR_MS)]);
    const explanation = await ask((env) => perMinute(env.fromSource(withoutEnd(source), bounded, "flights").uid("f")), {
      parallelism: 2,
    });
    const finding = only(explanation, "window", "noSplit");
    expect(finding.cause.at).toMatchObject({ operator: "Source: flights", subtaskIndex: 1 });
  });

  test("event time that goes on, but has not come to the end of the window", async () => {
    const explanation = await ask((env) =>
      perMinute(env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f")),
    );
    const finding = only(explanation, "window", "behind");
    expect(finding.watermarkMs).toBeGreaterThan(39_000);
    expect(finding.cause.text).toContain("500 ms behind the latest record");
  });

  test("an alignment group: what the slowest source of the group waits for is the reason", async () => {
    const aligned = bounded.withWatermarkAlignment("group", "1 s");
    const explanation = await ask((env) => {
      perMinute(env.fromSource(scriptedSource([steady(HOUR_MS)]), aligned as never, "fast").uid("fast"));
      env
        .fromSource(scriptedSource([steady(6000)]), aligned as never, "slow")
        .uid("slow")
        .sinkTo(discard as never);
    });
    const finding = only(explanation, "window", "alignment");
    expect(finding.cause.at!.operator).toBe("Source: fast");
    expect(finding.cause.because).toMatchObject({ kind: "silent", at: { operator: "Source: slow" }, splits: ["0"] });
    expect(explanation.text).toContain("withIdleness");
  });

  test("back-pressure: the operator that is not back-pressured itself is named", async () => {
    const explanation = await ask(
      (env) => {
        const numbers = DataGeneratorSource.of((n) => n, 100_000_000);
        const stream = env.fromSource(numbers, bounded as never, "numbers").uid("numbers") as DataStream<number>;
        perMinute(stream);
        stream
          .rebalance()
          .map(ownTime)
          .name("copies")
          .startNewChain()
          .sinkTo(full() as never)
          .name("full sink");
      },
      { askedAfterMs: 2000, parallelism: 2 },
    );
    const finding = only(explanation, "window", "backPressure");
    expect(finding.cause.because).toMatchObject({ kind: "sink", at: { operator: "Sink: full sink" } });
  });

  test("an asynchronous function that has no answer", async () => {
    const explanation = await ask((env) => {
      const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f");
      perMinute(
        stream
          .mapAsync(() => new Promise<number>(() => {}), { capacity: 3 })
          .name("lookup")
          .uid("lookup"),
      );
      perMinute2(stream);
    });
    const requests = only(explanation, "requests", "asyncRequests");
    expect(requests.cause.at!.operator).toBe("lookup");
    expect(requests.cause.text).toContain("3 answers (capacity 3)");
    expect(only(explanation, "window", "asyncRequests").operator).toBe("other");
  });

  test("a barrier that has not come: its input is blocked", async () => {
    const explanation = await ask(
      (env) => {
        const ahead = scriptedSource([steady(HOUR_MS).map(({ atMs, value }) => ({ atMs, value: value + HOUR_MS }))]);
        const blocked = env
          .fromSource(ahead, bounded, "ahead")
          .uid("ahead")
          .rebalance()
          .mapAsync(
            (n, { signal: _signal }) => (n < HOUR_MS + 2000 ? Promise.resolve(n) : new Promise<number>(() => {})),
            {
              capacity: 2,
            },
          )
          .name("lookup")
          .uid("lookup");
        const slow = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "slow").uid("slow");
        perMinute(slow.union(blocked));
      },
      { parallelism: 2, more: { "execution.checkpointing.interval": "5 s" } },
    );
    const finding = only(explanation, "window", "barrier");
    expect(finding.cause.at!.operator).toContain("per-minute");
    expect(finding.cause.because).toMatchObject({ kind: "asyncRequests", at: { operator: "lookup" } });
    expect(finding.watermarkMs).toBeLessThan(6000);
  });

  test.each([
    [
      "sliding",
      (stream: DataStream<number>) => stream.keyBy(() => 0).window(SlidingEventTimeWindows.of("1 min", "20 s")),
    ],
    ["session", (stream: DataStream<number>) => stream.keyBy(() => 0).window(EventTimeSessionWindows.withGap("20 s"))],
    [
      "of a trigger's own",
      (stream: DataStream<number>) =>
        stream
          .keyBy(() => 0)
          .window(TumblingEventTimeWindows.of("20 s"))
          .evictor(keepAll),
    ],
  ] as const)("the window that is next, %s", async (kind, windowed) => {
    const explanation = await ask((env) => {
      const stream = env.fromSource(scriptedSource([steady(6000)]), bounded, "flights").uid("f");
      windowed(stream)
        .reduce((a: number, b: number) => a + b)
        .uid("w")
        .sinkTo(discard as never);
    });
    const finding = only(explanation, "window", "silent");
    expect(finding.keys).toBe(1);
    expect(finding.window).toEqual(
      kind === "sliding" ? { start: -40_000, end: 20_000 } : { start: 0, end: kind === "session" ? 25_900 : 20_000 },
    );
  });

  test("timers of a function, with how many of how many keys", async () => {
    const explanation = await ask((env) => {
      env
        .fromSource(scriptedSource([steady(6000)]), bounded, "flights")
        .uid("f")
        .keyBy((n) => n % 1000)
        .process(alarms)
        .uid("alarms")
        .sinkTo(discard as never);
    });
    const finding = only(explanation, "timer", "silent");
    expect(finding).toMatchObject({ keys: 10, neededMs: 60_000 });
    expect(finding.text).toContain("(10 keys, 60 timers)");
  });
});

describe("U09: what does not wait for watermarks", () => {
  test("windows of processing time say when they are due", async () => {
    const explanation = await ask((env) => {
      env
        .fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights")
        .uid("f")
        .keyBy(() => 0)
        .window(TumblingProcessingTimeWindows.of("10 min"))
        .reduce((a, b) => a + b)
        .uid("w")
        .sinkTo(discard as never);
    });
    expect(only(explanation, "processingTimer", "processingTime").text).toMatch(
      /the clock has to come to .*, in \d+ min/,
    );
  });

  test("windows whose trigger waits for more elements", async () => {
    const explanation = await ask((env) => {
      env
        .fromSource(scriptedSource([steady(6000)]), bounded, "flights")
        .uid("f")
        .keyBy((n) => n % 300)
        .countWindow(100)
        .reduce((a, b) => a + b)
        .uid("w")
        .sinkTo(discard as never);
    });
    expect(only(explanation, "trigger", "trigger").keys).toBe(3);
  });

  test("a sink that commits, in a job without checkpoints", async () => {
    const explanation = await ask((env) => {
      const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f");
      stream.sinkTo(new CommittedRows().sink()).uid("rows").name("rows");
    });
    expect(only(explanation, "commit", "checkpoint").cause.todo).toContain("execution.checkpointing.interval");
  });

  test("a checkpoint that does not come to its end: whoever is missing is the reason", async () => {
    const explanation = await ask(
      (env) => {
        const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f");
        const asked = stream
          .rebalance()
          .mapAsync((n) => (n < 2000 ? Promise.resolve(n) : new Promise<number>(() => {})), { capacity: 2 })
          .name("lookup")
          .uid("lookup");
        asked.sinkTo(new CommittedRows().sink()).uid("rows").name("rows");
      },
      { parallelism: 2, more: { "execution.checkpointing.interval": "5 s" } },
    );
    const finding = only(explanation, "commit", "checkpoint");
    expect(finding.text).toContain("has been under way for 3");
    expect(finding.cause.because).toMatchObject({ kind: "asyncRequests", at: { operator: "lookup" } });
  });

  test("a filter that lets nothing through", async () => {
    const explanation = await ask((env) => {
      const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f");
      stream
        .filter((n) => n < 0)
        .name("negative")
        .sinkTo(discard as never);
    });
    expect(only(explanation, "filtered", "filtered").operator).toBe("negative");
  });

  test("records that are all too late", async () => {
    const early = [{ atMs: 0, value: HOUR_MS }, ...steady(6000).slice(1, -1), ...never];
    const explanation = await ask((env) =>
      perMinute(
        env
          .fromSource(scriptedSource([early]), bounded, "flights")
          .uid("f")
          .filter((n) => n < HOUR_MS),
      ),
    );
    expect(only(explanation, "late", "late").cause.text).toContain("59 records");
  });

  test("a source that has no records, in a job in which nothing waits", async () => {
    const explanation = await ask((env) => {
      env
        .fromSource(scriptedSource([never]), bounded, "flights")
        .uid("f")
        .sinkTo(discard as never);
    });
    expect(only(explanation, "input", "noRecordYet").operator).toBe("Source: flights");
  });

  test("an operator that emits at the end of an input that has not ended", async () => {
    const explanation = await ask((env) => {
      env
        .fromSource(scriptedSource([steady(6000)]), bounded, "flights")
        .uid("f")
        .fullWindowPartition()
        .reduce((a, b) => a + b)
        .uid("all")
        .sinkTo(discard as never);
    });
    expect(only(explanation, "endOfInput", "silent").cause.at!.operator).toBe("Source: flights");
  });

  test("a job that is between two attempts says what the last one ended with", async () => {
    const explanation = await ask(
      (env) => {
        const stream = env.fromSource(scriptedSource([steady(HOUR_MS)]), bounded, "flights").uid("f");
        stream
          .map((n) => {
            if (n > 1000) throw new RangeError("over a thousand");
            return n;
          })
          .sinkTo(discard as never);
      },
      {
        more: {
          "restart-strategy.type": "fixed-delay",
          "restart-strategy.fixed-delay.attempts": "2",
          "restart-strategy.fixed-delay.delay": "10 min",
        },
      },
    );
    const finding = only(explanation, "job", "notRunning");
    expect(explanation.status).toBe("RESTARTING");
    expect(finding.text).toContain("over a thousand");
  });

  test("a batch job waits for the end of its input", async () => {
    const explanation = await ask(
      (env) => perMinute(env.fromSource(scriptedSource([steady(6000)]), bounded, "flights").uid("f")),
      { more: { "execution.runtime-mode": "BATCH" } },
    );
    expect(only(explanation, "endOfInput", "silent").cause.splits).toEqual(["0"]);
  });
});

const keepAll = { evictBefore: () => {}, evictAfter: () => {} };

const alarms: KeyedProcessFunction<number, number, number> = {
  processElement: (n, context) => context.timerService.registerEventTimeTimer(60_000 + n),
  onTimer: () => {},
};

function perMinute2(stream: DataStream<number>): void {
  stream
    .mapAsync((n) => (n < 500 ? Promise.resolve(n) : new Promise<number>(() => {})))
    .uid("second lookup")
    .keyBy(() => 0)
    .window(TumblingEventTimeWindows.of("1 min"))
    .reduce((a, b) => a + b)
    .uid("other")
    .name("other")
    .sinkTo(discard as never);
}

/** A sink whose writer has no room from the tenth record on. */
function full(): Sink<unknown> {
  return {
    ...discard,
    createWriter: (context, restored) => {
      let count = 0;
      return {
        ...discard.createWriter(context, restored),
        write: () => void count++,
        isAvailable: () => count < 10,
        whenAvailable: () => new Promise<void>(() => {}),
      };
    },
  };
}

/** The source with an enumerator that never says that there are no more splits. */
function withoutEnd<T>(source: Source<T>): Source<T> {
  const silently = (context: SplitEnumeratorContext<never>): SplitEnumeratorContext<never> => ({
    ...context,
    signalNoMoreSplits: () => {},
  });
  return {
    ...source,
    createEnumerator: (context) => source.createEnumerator(silently(context as never) as never),
  };
}

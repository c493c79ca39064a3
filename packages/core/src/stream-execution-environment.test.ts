import { describe, expect, test } from "vitest";
import type { JobClient } from "./api/job-client.ts";
import { MillraceError } from "./base/errors.ts";
import { Configuration } from "./config/configuration.ts";
import { DataGeneratorSource } from "./connectors/generator-source.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RuntimeContext,
} from "./operators/functions.ts";
import { OutputTag } from "./operators/output-tag.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "./platform/simulated-platform.ts";
import type { MapState, ValueState } from "./state/keyed-state.ts";
import { mapState, valueState } from "./state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "./stream-execution-environment.ts";
import { CommittedRows } from "./testing/committed-rows.ts";
import { EventTimeSessionWindows } from "./time/session-windows.ts";
import { SlidingEventTimeWindows } from "./time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "./time/tumbling-windows.ts";
import { WatermarkStrategy } from "./time/watermark-strategy.ts";

interface Reading {
  readonly sensor: string;
  readonly at: number;
  readonly value: number;
}

const COUNT = 4000;
const reading = (index: number): Reading => ({ sensor: `s${(index * 7) % 11}`, at: index * 10, value: index % 13 });

/** Counts per sensor, and reports what it has seen 500 ms after the first reading of every second. */
class Reporter implements KeyedProcessFunction<string, Reading, string> {
  private count!: ValueState<number>;
  private perSecond!: MapState<number, number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState<number>("count"));
    this.perSecond = context.getMapState(mapState<number, number>("perSecond"));
  }

  processElement(value: Reading, context: KeyedProcessContext<string>): void {
    this.count.update((this.count.value() ?? 0) + 1);
    const second = Math.floor(value.at / 1000);
    this.perSecond.put(second, (this.perSecond.get(second) ?? 0) + value.value);
    context.timerService.registerEventTimeTimer(second * 1000 + 1500);
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<string>): void {
    const second = (timeMs - 1500) / 1000;
    out.collect(`${context.currentKey} second ${second}: ${this.perSecond.get(second)}`);
    this.perSecond.remove(second);
  }
}

interface Script {
  readonly rows: CommittedRows;
  readonly parallelism?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Called for every reading that reaches the keyed operators. */
  readonly onReading?: (value: Reading) => void;
  readonly ratePerSecond?: number;
}

function environment(platform: SimulatedPlatform, script: Script): StreamExecutionEnvironment {
  const entries = Object.entries({ "parallelism.default": String(script.parallelism ?? 1), ...script.settings });
  const configuration = Configuration.fromEntries(entries.map(([key, value]) => ({ key, value })));
  return StreamExecutionEnvironment.on(platform, configuration);
}

function build(env: StreamExecutionEnvironment, script: Script): void {
  const options = script.ratePerSecond === undefined ? {} : { ratePerSecond: script.ratePerSecond };
  const readings = env
    .fromSource(
      DataGeneratorSource.of(reading, COUNT, options),
      { boundedOutOfOrderness: 100, timestamp: (value) => value.at },
      "readings",
    )
    .map((value) => {
      script.onReading?.(value);
      return value;
    });
  const keyed = readings.keyBy((value) => value.sensor);
  keyed.process(new Reporter()).uid("reporter").sinkTo(script.rows.sink()).uid("reports");
  keyed
    .window(TumblingEventTimeWindows.of("2 s"))
    .reduce((left, right) => ({ ...left, value: left.value + right.value }))
    .uid("tumbling")
    .map((value) => ["tumbling", value.sensor, value.value])
    .sinkTo(script.rows.sink())
    .uid("tumbling-rows");
  keyed
    .window(SlidingEventTimeWindows.of("3 s", "1 s"))
    .aggregate(
      { createAccumulator: () => ({ n: 0 }), add: (_value, acc) => ({ n: acc.n + 1 }), getResult: (acc) => acc.n },
      (sensor, window, n) => ["sliding", sensor, window.start, n],
    )
    .uid("sliding")
    .sinkTo(script.rows.sink())
    .uid("sliding-rows");
  readings
    .keyBy((value) => value.value)
    .window(EventTimeSessionWindows.withGap(125))
    .reduce((left, right) => ({ ...left, at: Math.max(left.at, right.at) }))
    .uid("sessions")
    .map((value) => ["session", value.value, value.at])
    .sinkTo(script.rows.sink())
    .uid("session-rows");
}

async function run(platform: SimulatedPlatform, script: Script): Promise<JobClient> {
  const env = environment(platform, script);
  build(env, script);
  return platform.run(async () => {
    const client = await env.executeAsync("sensors");
    await client.getJobExecutionResult();
    return client;
  }, 600_000);
}

async function undisturbed(): Promise<readonly string[]> {
  const rows = new CommittedRows();
  await run(createSimulatedPlatform({ seed: 1 }), { rows });
  return rows.rows;
}

const checkpointing = {
  "execution.checkpointing.interval": "20 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "execution.checkpointing.num-retained": "2",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "100",
  "restart-strategy.fixed-delay.delay": "50 ms",
};

describe("results", () => {
  test("are what a plain loop over the readings gives", async () => {
    const all = Array.from({ length: COUNT }, (_, index) => reading(index));
    const counts = new Map<string, number>();
    for (const { sensor, at } of all) {
      const key = JSON.stringify([sensor, Math.floor(at / 2000)]);
      counts.set(key, (counts.get(key) ?? 0) + reading(at / 10).value);
    }
    const expected = [...counts].map(([key, sum]) =>
      JSON.stringify(["tumbling", (JSON.parse(key) as string[])[0], sum]),
    );
    const rows = (await undisturbed()).filter((row) => row.startsWith('["tumbling"'));
    expect(rows).toEqual(expected.sort());
  });

  test.each([2, 3, 7])("are the same at parallelism %i", async (parallelism) => {
    const rows = new CommittedRows();
    await run(createSimulatedPlatform({ seed: parallelism }), { rows, parallelism });
    expect(rows.rows).toEqual(await undisturbed());
  });

  test.each([1, 2, 3])("are the same with checkpoints at parallelism %i", async (parallelism) => {
    const rows = new CommittedRows();
    const client = await run(createSimulatedPlatform({ seed: 3 }), {
      rows,
      parallelism,
      settings: checkpointing,
      ratePerSecond: 8000,
    });
    expect(rows.rows).toEqual(await undisturbed());
    expect(client.getProgress().checkpoints.completed).toBeGreaterThan(5);
  });
});

describe("failures of user functions", () => {
  test.each([1, 2, 3])(
    "S26, S28, S43: are survived with every row once, those of event-time timers too, at parallelism %i",
    async (parallelism) => {
      const rows = new CommittedRows();
      const failAt = new Set([500, 501, 1400, 2600, 3999]);
      const onReading = (value: Reading): void => {
        if (failAt.delete(value.at / 10)) throw new Error("sensor on fire");
      };
      const client = await run(createSimulatedPlatform({ seed: 5 }), {
        rows,
        parallelism,
        settings: checkpointing,
        ratePerSecond: 8000,
        onReading,
      });
      expect(failAt.size).toBe(0);
      // Two subtasks may fail in one attempt.
      expect(client.getProgress().restarts).toBeGreaterThanOrEqual(3);
      expect(rows.rows).toEqual(await undisturbed());
    },
  );

  test("end the job when the strategy has had enough, with operator, call site and cause", async () => {
    const script: Script = {
      rows: new CommittedRows(),
      settings: { ...checkpointing, "restart-strategy.fixed-delay.attempts": "2" },
      onReading: (value) => {
        if (value.at === 20_000) throw new Error("sensor on fire");
      },
    };
    const failure = await run(createSimulatedPlatform({ seed: 5 }), script).then(
      () => undefined,
      (error: unknown) => error as MillraceError,
    );
    expect(failure).toBeInstanceOf(MillraceError);
    expect(failure?.message).toMatch(
      /MR_USER_FUNCTION_FAILED.*"Map".*sensor on fire.*stream-execution-environment\.test\.ts/,
    );
    expect((failure!.cause as Error).message).toBe("sensor on fire");
    expect((failure!.cause as Error).stack).toContain("stream-execution-environment.test.ts");
  });

  test("end a job without checkpointing at once, with nothing committed", async () => {
    const rows = new CommittedRows();
    const onReading = (value: Reading): void => {
      if (value.at === 20_000) throw new Error("sensor on fire");
    };
    await expect(run(createSimulatedPlatform({ seed: 5 }), { rows, onReading })).rejects.toThrow(
      "MR_USER_FUNCTION_FAILED",
    );
    expect(rows.rows).toEqual([]);
  });

  test("a Promise from a function on the data path is refused by name", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const env = environment(platform, { rows: new CommittedRows() });
    const sneaky = ((value: number) => Promise.resolve(value)) as unknown as (value: number) => number;
    env.fromSequence(1, 3).map(sneaky).print();
    await expect(platform.run(() => env.execute())).rejects.toThrow(/MR_ASYNC_NOT_ALLOWED.*Map/);
  });
});

describe("stopping and restoring", () => {
  async function stopHalfway(platform: SimulatedPlatform, script: Script): Promise<string> {
    const env = environment(platform, script);
    build(env, script);
    return platform.run(async () => {
      const client = await env.executeAsync("sensors");
      while (client.getProgress().recordsRead < COUNT / 2)
        await new Promise<void>((resolve) => platform.clock.after(5, resolve));
      const path = await client.stop();
      return path!;
    }, 600_000);
  }

  test.each([
    [1, 1],
    [1, 3],
    [3, 1],
    [2, 7],
    [3, 3],
  ])("a job stopped at parallelism %i and restored at %i gives every row once", async (before, after) => {
    const rows = new CommittedRows();
    const platform = createSimulatedPlatform({ seed: before * 10 + after });
    const path = await stopHalfway(platform, {
      rows,
      parallelism: before,
      settings: checkpointing,
      ratePerSecond: 8000,
    });
    const expected = await undisturbed();
    expect(rows.rows.length).toBeGreaterThan(0);
    expect(rows.rows.length).toBeLessThan(expected.length);
    const settings = { ...checkpointing, "execution.state-recovery.path": path };
    await run(platform, { rows, parallelism: after, settings });
    expect(rows.rows).toEqual(expected);
  });

  test("a finished job leaves no checkpoints behind, a stopped one leaves its last", async () => {
    const finished = createSimulatedPlatform({ seed: 1 });
    await run(finished, { rows: new CommittedRows(), settings: checkpointing });
    expect(await finished.run(() => finished.fs.list("/checkpoints"))).toEqual([]);

    const stopped = createSimulatedPlatform({ seed: 2 });
    const path = await stopHalfway(stopped, {
      rows: new CommittedRows(),
      settings: checkpointing,
      ratePerSecond: 8000,
    });
    expect(await stopped.run(() => stopped.fs.list(path))).toContain("_metadata");
  });

  test("a checkpoint of another job, with unknown state, or with another maximum parallelism is refused", async () => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const path = await stopHalfway(platform, {
      rows: new CommittedRows(),
      settings: checkpointing,
      ratePerSecond: 8000,
    });
    const restoring = { "execution.state-recovery.path": path };

    const other = environment(platform, { rows: new CommittedRows(), settings: restoring });
    other
      .fromSequence(1, 3)
      .keyBy((n) => n)
      .reduce((a, b) => a + b)
      .uid("elsewhere")
      .print();
    await expect(platform.run(() => other.execute())).rejects.toThrow(
      /MR_CHECKPOINT_OTHER_JOB.*"reporter".*"elsewhere"/,
    );

    const fewer = environment(platform, { rows: new CommittedRows(), settings: restoring });
    fewer
      .fromSource(
        DataGeneratorSource.of(reading, COUNT),
        { boundedOutOfOrderness: 100, timestamp: (value) => value.at },
        "readings",
      )
      .keyBy((value) => value.sensor)
      .process(new Reporter())
      .uid("reporter")
      .print();
    await expect(platform.run(() => fewer.execute())).rejects.toThrow(/MR_STATE_NOT_RESTORED.*"tumbling"/);

    const narrower = { rows: new CommittedRows(), settings: { ...restoring, "pipeline.max-parallelism": "64" } };
    await expect(run(platform, narrower)).rejects.toThrow(/MR_MAX_PARALLELISM_MISMATCH.*128 in the checkpoint, 64/);
  });

  test("a damaged metadata file is refused, and nothing older is taken instead", async () => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const path = await stopHalfway(platform, {
      rows: new CommittedRows(),
      settings: checkpointing,
      ratePerSecond: 8000,
    });
    platform.storage.disk.flipBit(`${path}/_metadata`, 100, 1);
    const settings = { "execution.state-recovery.path": path };
    await expect(run(platform, { rows: new CommittedRows(), settings })).rejects.toThrow(/MR_CHECKPOINT_CORRUPT.*chk-/);
  });
});

describe("cancelling", () => {
  test("ends the job, and whoever waits for its result is told", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const script: Script = { rows: new CommittedRows(), ratePerSecond: 100 };
    const env = environment(platform, script);
    build(env, script);
    await platform.run(async () => {
      const client = await env.executeAsync("sensors");
      await new Promise<void>((resolve) => platform.clock.after(1000, resolve));
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
      await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
    });
    expect(script.rows.rows).toEqual([]);
  });
});

describe("settings", () => {
  test("F45: without object reuse a function that changes its input changes nobody else's", async () => {
    const seen: unknown[] = [];
    for (const reuse of ["true", "false"]) {
      const platform = createSimulatedPlatform({ seed: 1 });
      const env = environment(platform, { rows: new CommittedRows(), settings: { "pipeline.object-reuse": reuse } });
      const rows = new CommittedRows();
      const numbers = env.fromData([{ n: 1 }]);
      numbers
        .map((value) => {
          value.n = 100;
          return value;
        })
        .sinkTo(rows.sink());
      numbers.sinkTo(rows.sink());
      await platform.run(() => env.execute());
      seen.push(rows.rows);
    }
    expect(seen).toEqual([
      ['{"n":100}', '{"n":100}'],
      ['{"n":100}', '{"n":1}'],
    ]);
  });

  test("S18: a waiting source asks its periodic generator, so a watermark can advance without records", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const env = environment(platform, { rows: new CommittedRows() });
    const rows = new CommittedRows();
    let asked = 0;
    const generator = WatermarkStrategy.forGenerator<number>(() => ({
      onEvent: () => {},
      onPeriodicEmit: (output) => output.emitWatermark(++asked * 1000),
    })).withTimestampAssigner((value) => value);
    env
      .fromSource(
        DataGeneratorSource.of((index) => index, 2, { ratePerSecond: 0.2 }),
        generator,
        "slow",
      )
      .keyBy(() => "all")
      .window(TumblingEventTimeWindows.of("3 s"))
      .aggregate({ createAccumulator: () => 0, add: (_value, n) => n + 1, getResult: (n) => n })
      .uid("windows")
      .sinkTo(rows.sink());
    await platform.run(() => env.execute());
    expect(asked).toBeGreaterThan(10);
    // The window of the first number closes before the second number comes, which is then late.
    expect(rows.rows).toEqual(["1"]);
  });
});

describe("misuse", () => {
  test("S22: keyed state without a key is refused in open", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const env = environment(platform, { rows: new CommittedRows() });
    env
      .fromSequence(1, 3)
      .map({ open: (context: RuntimeContext) => void context.getState(valueState("x")), map: (n: number) => n })
      .print();
    await expect(platform.run(() => env.execute())).rejects.toThrow(/MR_STATE_NOT_KEYED.*Map/);
  });

  test("a checkpoint directory that cannot be made fails before the job starts", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(async () => (await platform.fs.open("/checkpoints", "create")).close());
    await expect(run(platform, { rows: new CommittedRows(), settings: checkpointing })).rejects.toThrow(
      "MR_CHECKPOINT_STORAGE_FAILED",
    );
  });
});

describe("checkpoints on a full disk", () => {
  test("fail the job by name when no failure is tolerated, and cost nothing when some are", async () => {
    const strict = createSimulatedPlatform({ seed: 6, disk: { capacityBytes: 600 } });
    const failing = { ...checkpointing, "restart-strategy.type": "none" };
    await expect(run(strict, { rows: new CommittedRows(), settings: failing, ratePerSecond: 8000 })).rejects.toThrow(
      /MR_CHECKPOINT_FAILED.*MR_DISK_FULL/,
    );
  });
});

describe("records without sensible time", () => {
  const late = new OutputTag<Reading>("late");

  test("S21: late records go to their side output, and are only counted without one", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const env = environment(platform, { rows: new CommittedRows() });
    const rows = new CommittedRows();
    const values = [0, 5000, 100, 9000].map((at) => ({ sensor: "a", at, value: 1 }));
    // One record a batch, so that the watermark comes between them.
    const windows = env
      .fromSource(
        DataGeneratorSource.of((i: number) => values[i]!, 4, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (v) => v.at },
        "few",
      )
      .keyBy((value) => value.sensor)
      .window(TumblingEventTimeWindows.of("1 s"))
      .sideOutputLateData(late)
      .reduce((left) => left)
      .uid("windows");
    windows.getSideOutput(late).sinkTo(rows.sink());
    await platform.run(() => env.execute());
    expect(rows.rows).toEqual([JSON.stringify(values[2])]);
  });

  test.each([
    [Number.NaN, "NaN"],
    [undefined, "undefined"],
    [1.7e15, "microseconds"],
    [1.7e18, "nanoseconds"],
  ])("a timestamp of %s fails the job with what to do", async (timestamp, hint) => {
    const platform = createSimulatedPlatform({ seed: 1, startMs: 1_700_000_000_000 });
    const env = environment(platform, { rows: new CommittedRows() });
    env
      .fromSource(
        DataGeneratorSource.of((i: number) => i, 3),
        { boundedOutOfOrderness: 0, timestamp: () => timestamp as number },
        "odd",
      )
      .print();
    await expect(platform.run(() => env.execute())).rejects.toThrow(new RegExp(`MR_TIMESTAMP_INVALID.*${hint}`));
  });

  test("poison records are skipped or sent to the dead letters when the job says so", async () => {
    for (const policy of ["skip", "dead-letter"]) {
      const platform = createSimulatedPlatform({ seed: 1, startMs: 1_700_000_000_000 });
      const env = environment(platform, { rows: new CommittedRows(), settings: { "source.poison-records": policy } });
      const rows = new CommittedRows();
      env
        .fromSource(
          DataGeneratorSource.of((i: number) => i, 3),
          { boundedOutOfOrderness: 0, timestamp: (i) => (i === 1 ? Number.NaN : i) },
          "odd",
        )
        .sinkTo(rows.sink());
      await platform.run(() => env.execute());
      expect(rows.rows).toEqual(["0", "2"]);
    }
  });
});

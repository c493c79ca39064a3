import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Collector, ProcessContext } from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { type ScriptedRecord, scriptedSource } from "../testing/scripted-source.ts";
import { MIN_WATERMARK } from "../time/timestamps.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";

const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });

/** Runs what `build` makes on a simulated platform; returns what `note` was given, with the time it came at. */
async function run(
  build: (env: StreamExecutionEnvironment, note: <T>(stream: DataStream<T>) => void) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<readonly { readonly value: unknown; readonly atMs: number }[]> {
  const platform: SimulatedPlatform = createSimulatedPlatform({ seed: 21 });
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
  const rows = new CommittedRows();
  const noted: { value: unknown; atMs: number }[] = [];
  const startMs = platform.clock.monoMs();
  build(env, (stream) => {
    stream
      .map((value) => {
        noted.push({ value, atMs: platform.clock.monoMs() - startMs });
        return 0;
      })
      .setParallelism(1)
      .sinkTo(rows.sink());
  });
  await platform.run(() => env.execute(), 3_600_000);
  return noted;
}

/** A record every `everyMs`, whose event time is when it comes. */
function steady(fromMs: number, untilMs: number, everyMs: number): ScriptedRecord<number>[] {
  const records: ScriptedRecord<number>[] = [];
  for (let atMs = fromMs; atMs < untilMs; atMs += everyMs) records.push({ atMs, value: atMs });
  return records;
}

function countPerSecond(stream: DataStream<number>): DataStream<readonly [number, number]> {
  return stream
    .keyBy(() => "all")
    .window(TumblingEventTimeWindows.of("1 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count },
      (_key, window, count) => [window.start, count] as const,
    )
    .uid("counts");
}

const ownTime = (n: number): number => n;

describe("S18: event time", () => {
  test("a window fires with the first record at or after its end plus the bound", async () => {
    const noted = await run((env, note) => {
      const source = scriptedSource([steady(0, 5000, 100)]);
      const strategy = WatermarkStrategy.forBoundedOutOfOrderness<number>("500 ms").withTimestampAssigner(ownTime);
      note(countPerSecond(env.fromSource(source, strategy, "steady")));
    });
    // The watermark of the record of 1500 is 999, which is the last ms of the window [0, 1000).
    expect(noted.map((each) => [each.value, Math.round(each.atMs / 50) * 50])).toEqual([
      [[0, 10], 1500],
      [[1000, 10], 2500],
      [[2000, 10], 3500],
      [[3000, 10], 4500],
      [[4000, 10], 4900],
    ]);
  });

  test.each(["at the source", "in the middle of the pipeline"])(
    "a watermark that a generator emits for a record leaves before the next record, %s",
    async (where) => {
      const noted = await run((env, note) => {
        const punctuated = WatermarkStrategy.forGenerator<number>(() => ({
          onEvent: (n, timestampMs, output) => {
            if (n % 10 === 0) output.emitWatermark(timestampMs);
          },
          onPeriodicEmit: () => {},
        })).withTimestampAssigner(ownTime);
        const numbers = scriptedSource([Array.from({ length: 40 }, (_, value) => ({ atMs: 0, value }))], {
          batchRecords: 40,
        });
        const stream =
          where === "at the source"
            ? env.fromSource(numbers, punctuated, "numbers")
            : env
                .fromSource(numbers, WatermarkStrategy.noWatermarks(), "numbers")
                .assignTimestampsAndWatermarks(punctuated);
        note(
          stream.process({
            processElement: (n: number, context: ProcessContext, out: Collector<readonly unknown[]>) =>
              out.collect([n, context.currentWatermark()] as const),
          }),
        );
      });
      const expected = Array.from({ length: 40 }, (_, n) => [
        n,
        n === 0 ? MIN_WATERMARK : Math.floor((n - 1) / 10) * 10,
      ]);
      expect(noted.map((each) => each.value)).toEqual(expected);
    },
  );

  test.each(["at the source", "in the middle of the pipeline"])(
    "a periodic generator is asked every pipeline.auto-watermark-interval while no records come, %s",
    async (where) => {
      const asked: number[] = [];
      await run(
        (env, note) => {
          const periodic = WatermarkStrategy.forGenerator<number>(() => ({
            onEvent: () => {},
            onPeriodicEmit: () => void asked.push(1),
          })).withTimestampAssigner(ownTime);
          const source = scriptedSource([
            [
              { atMs: 0, value: 1 },
              { atMs: 1000, value: 2 },
            ],
          ]);
          note(
            where === "at the source"
              ? env.fromSource(source, periodic, "numbers")
              : env.fromSource(source, WatermarkStrategy.noWatermarks(), "n").assignTimestampsAndWatermarks(periodic),
          );
        },
        { "pipeline.auto-watermark-interval": "50 ms" },
      );
      expect(asked.length).toBeGreaterThanOrEqual(18);
      expect(asked.length).toBeLessThan(40);
    },
  );

  test("without watermarks event time only advances at the end of input", async () => {
    const noted = await run((env, note) => {
      const strategy = WatermarkStrategy.noWatermarks<number>().withTimestampAssigner(ownTime);
      note(countPerSecond(env.fromSource(scriptedSource([steady(0, 3000, 500)]), strategy, "steady")));
    });
    expect(noted.map((each) => each.value)).toEqual([
      [0, 2],
      [1000, 2],
      [2000, 2],
    ]);
    expect(Math.min(...noted.map((each) => each.atMs))).toBeGreaterThanOrEqual(2500);
  });
});

describe("S19: watermark propagation", () => {
  test.each([1, 3])("an operator's watermark never goes back and is never ahead of a channel, at p = %i", async (p) => {
    const noted = await run((env, note) => {
      const strategy = WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner(ownTime);
      // Splits of different speeds: the third one is the slowest.
      const scripts = [1, 2, 3].map((step) =>
        Array.from({ length: 60 }, (_, index) => ({ atMs: index * step * 10, value: index * 10 })),
      );
      const stream = env.fromSource(scriptedSource(scripts), strategy, "uneven").rebalance();
      note(
        stream.process({
          processElement: (n: number, context: ProcessContext, out: Collector<readonly unknown[]>) =>
            out.collect([n, context.currentWatermark(), n <= context.currentWatermark()] as const),
        }),
      );
    }, at(p));
    const seen = noted.map((each) => each.value as readonly [number, number, boolean]);
    expect(seen).toHaveLength(180);
    // No record is late: a watermark says the lowest of all channels.
    expect(seen.filter(([, , isLate]) => isLate)).toEqual([]);
    if (p > 1) return;
    const watermarks = seen.map(([, watermark]) => watermark);
    expect(watermarks).toEqual(watermarks.toSorted((a, b) => a - b));
    expect(new Set(watermarks).size).toBeGreaterThan(10);
  });

  test("every output gets every watermark: windows behind each of them fire at the same time", async () => {
    const noted = await run((env, note) => {
      const strategy = WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner(ownTime);
      const stream = env.fromSource(scriptedSource([steady(0, 3000, 100)]), strategy, "steady").rebalance();
      note(countPerSecond(stream.filter((n) => n % 200 === 0)));
      note(
        stream
          .keyBy(() => 1)
          .window(TumblingEventTimeWindows.of("1 s"))
          .aggregate(
            { createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count },
            (_key, window, count) => [window.start, -count] as const,
          )
          .uid("other-counts"),
      );
    }, at(3));
    const firedAt = (start: number): number[] =>
      noted.filter((each) => (each.value as number[])[0] === start).map((each) => Math.round(each.atMs / 50) * 50);
    expect(firedAt(0)).toEqual([1000, 1000]);
    expect(firedAt(1000)).toEqual([2000, 2000]);
  });
});

describe("F09: idleness", () => {
  const strategy = (idleness?: "300 ms"): WatermarkStrategy<number> => {
    const plain = WatermarkStrategy.forMonotonousTimestamps<number>();
    return (idleness === undefined ? plain : plain.withIdleness(idleness)).withTimestampAssigner(ownTime);
  };
  /** One split goes on, the other one is silent from 200 ms to 6 s. */
  const scripts = [steady(0, 6500, 100), [...steady(0, 200, 100), ...steady(6000, 6500, 100)]];
  const firstFiring = (noted: readonly { readonly atMs: number }[]): number => noted[0]!.atMs;

  test.each([
    [1, "its split"],
    [2, "its reader"],
  ])("at p = %i, %s is left out of the minimum once it is idle, and only then", async (p) => {
    const source = scriptedSource(scripts);
    const idle = await run((env, note) => {
      note(countPerSecond(env.fromSource(source, strategy("300 ms"), "s")));
    }, at(p));
    const waiting = await run((env, note) => {
      note(countPerSecond(env.fromSource(source, strategy(), "s")));
    }, at(p));
    expect(firstFiring(idle)).toBeLessThan(1200);
    expect(firstFiring(waiting)).toBeGreaterThan(5900);
    const counts = idle.map((each) => each.value).filter((value) => (value as number[])[0]! < 6000);
    expect(counts).toEqual([
      [0, 12],
      [1000, 10],
      [2000, 10],
      [3000, 10],
      [4000, 10],
      [5000, 10],
    ]);
  });

  test("a split that is back takes part again: what it brings is not late", async () => {
    const noted = await run((env, note) => {
      note(countPerSecond(env.fromSource(scriptedSource(scripts), strategy("300 ms"), "s")));
    });
    expect(noted.at(-1)!.value).toEqual([6000, 10]);
  });

  test("a stream that is given timestamps in the middle of a pipeline falls idle by its own silence", async () => {
    const noted = await run((env, note) => {
      const quiet = env.fromSource(
        scriptedSource([
          [
            { atMs: 0, value: 0 },
            { atMs: 5000, value: 5000 },
          ],
        ]),
        strategy(),
        "q",
      );
      const busy = env.fromSource(scriptedSource([steady(0, 5000, 100)]), strategy(), "busy");
      note(countPerSecond(quiet.assignTimestampsAndWatermarks(strategy("300 ms")).union(busy)));
    });
    expect(firstFiring(noted)).toBeLessThan(1200);
    expect(noted[0]!.value).toEqual([0, 11]);
  });

  test("when all splits are idle downstream is idle too, and other inputs go on without it", async () => {
    const noted = await run((env, note) => {
      const quiet = scriptedSource([
        [
          { atMs: 0, value: 0 },
          { atMs: 5000, value: 5000 },
        ],
        [{ atMs: 0, value: 0 }],
      ]);
      const busy = env.fromSource(scriptedSource([steady(0, 5000, 100)]), strategy(), "busy");
      note(countPerSecond(env.fromSource(quiet, strategy("300 ms"), "quiet").map(ownTime).union(busy)));
    });
    expect(firstFiring(noted)).toBeLessThan(1200);
    expect(noted[0]!.value).toEqual([0, 12]);
  });

  test("the last input that falls idle is heard downstream, though nothing else happens any more", async () => {
    const noted = await run((env, note) => {
      const ahead = scriptedSource([
        [
          { atMs: 0, value: 3000 },
          { atMs: 60_000, value: 60_000 },
        ],
      ]);
      const behind = scriptedSource([[...steady(0, 400, 100), { atMs: 60_000, value: 60_000 }]]);
      const both = env
        .fromSource(ahead, strategy("300 ms"), "ahead")
        .union(env.fromSource(behind, strategy("300 ms"), "behind"));
      note(countPerSecond(both));
    }, at(2));
    // All are idle 300 ms after the last record, and time has come to where the one that is ahead was.
    expect(noted[0]!.value).toEqual([0, 4]);
    expect(firstFiring(noted)).toBeLessThan(1200);
  });
});

describe("F10: finished inputs", () => {
  const monotonous = WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner(ownTime);
  const idling = WatermarkStrategy.forMonotonousTimestamps<number>()
    .withIdleness("100 ms")
    .withTimestampAssigner(ownTime);

  test.each([1, 2])(
    "the end of one input does not fire the windows of another that is only idle, at p = %i",
    async (p) => {
      const noted = await run((env, note) => {
        const short = env.fromSource(
          scriptedSource([[{ atMs: 0, value: 0 }], [{ atMs: 0, value: 1 }]]),
          monotonous,
          "short",
        );
        // Idle from 100 ms on; what comes at 2 s still belongs to the first window.
        const quiet = [10, 500].map((value, index) => ({ atMs: index * 2000, value }));
        note(countPerSecond(env.fromSource(scriptedSource([quiet, quiet]), idling, "quiet").union(short)));
      }, at(p));
      expect(noted.map((each) => each.value)).toEqual([[0, 6]]);
      expect(firstAt(noted)).toBeGreaterThanOrEqual(2000);
    },
  );

  test.each([1, 2])("an input that has ended does not hold back the others, at p = %i", async (p) => {
    const noted = await run((env, note) => {
      const short = env.fromSource(scriptedSource([[{ atMs: 0, value: 0 }], []]), monotonous, "short");
      const long = env.fromSource(scriptedSource([steady(0, 3000, 100), steady(0, 3000, 100)]), monotonous, "long");
      note(countPerSecond(long.union(short)));
    }, at(p));
    expect(noted.map((each) => each.value)).toEqual([
      [0, 21],
      [1000, 20],
      [2000, 20],
    ]);
    expect(firstAt(noted)).toBeLessThan(1200);
  });

  test("a split that has ended counts neither way while another split of its reader is idle", async () => {
    const noted = await run((env, note) => {
      const scripts = [
        [
          { atMs: 0, value: 5 },
          { atMs: 50, value: 5000 },
        ],
        [
          { atMs: 0, value: 10 },
          { atMs: 2000, value: 500 },
        ],
      ];
      note(countPerSecond(env.fromSource(scriptedSource(scripts), idling, "both")));
    });
    expect(noted.map((each) => each.value)).toEqual([
      [0, 3],
      [5000, 1],
    ]);
  });

  function firstAt(noted: readonly { readonly atMs: number }[]): number {
    return noted[0]!.atMs;
  }
});

describe("F09: watermark alignment", () => {
  const aligned = (drift: "100 ms" | undefined): WatermarkStrategy<number> => {
    const plain = WatermarkStrategy.forMonotonousTimestamps<number>();
    const strategy = drift === undefined ? plain : plain.withWatermarkAlignment("together", drift, "1 s");
    return strategy.withTimestampAssigner((n) => Math.abs(n));
  };

  /** How far apart in event time the two kinds of records were at most, as they came. */
  function distanceMax(noted: readonly { readonly value: unknown }[]): number {
    let [left, right, distance] = [Number.NaN, Number.NaN, 0];
    for (const { value } of noted) {
      const [kind, time] = value as readonly [string, number];
      if (kind === "fast") left = time;
      else right = time;
      if (left - right > distance) distance = left - right;
    }
    return distance;
  }

  const slowScript = steady(0, 3000, 5);
  const fastScript = steady(0, 3000, 5).map(({ value }) => ({ atMs: 0, value: value + 1 }));
  const kindOf = (n: number): readonly [string, number] => [n % 5 === 1 ? "fast" : "slow", n];

  test.each([1, 2])("a fast source waits for a slow one of its group, at p = %i", async (p) => {
    for (const drift of ["100 ms", undefined] as const) {
      const noted = await run((env, note) => {
        const fast = env.fromSource(scriptedSource([fastScript, fastScript]), aligned(drift), "fast");
        const slow = env.fromSource(scriptedSource([slowScript, slowScript]), aligned(drift), "slow");
        note(fast.map(kindOf).union(slow.map(kindOf)));
      }, at(p));
      expect(noted).toHaveLength(4 * slowScript.length);
      if (drift === undefined) expect(distanceMax(noted)).toBeGreaterThan(1000);
      else expect(distanceMax(noted)).toBeLessThanOrEqual(200);
      // Nobody waits longer than the slow one takes.
      expect(noted.at(-1)!.atMs).toBeLessThan(3200);
    }
  });

  test.each([
    [true, 200],
    [false, 3000],
  ])(
    "a fast split waits for a slow one of the same reader where the reader can pause it (%s)",
    async (canPause, most) => {
      const noted = await run((env, note) => {
        note(
          env.fromSource(scriptedSource([fastScript, slowScript], { canPause }), aligned("100 ms"), "both").map(kindOf),
        );
      });
      expect(noted).toHaveLength(2 * slowScript.length);
      expect(distanceMax(noted)).toBeLessThanOrEqual(most);
      if (!canPause) expect(distanceMax(noted)).toBeGreaterThan(1000);
    },
  );

  test("sources stay close after a restart, too: by the drift and the batches at hand", async () => {
    let failures = 0;
    const settings = {
      ...at(2),
      "execution.checkpointing.interval": "100 ms",
      "execution.checkpointing.dir": "/checkpoints",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "9",
      "restart-strategy.fixed-delay.delay": "10 ms",
    };
    const noted = await run((env, note) => {
      const numbers = (name: string, ratePerSecond?: number): DataStream<readonly [string, number]> => {
        const options = ratePerSecond === undefined ? {} : { ratePerSecond };
        const source = DataGeneratorSource.of((i) => i, 6000, options);
        return env
          .fromSource(source, aligned("100 ms"), name)
          .uid(name)
          .map((n) => [name, n] as const);
      };
      note(
        numbers("fast")
          .union(numbers("slow", 3000))
          .map((pair) => {
            if (pair[0] === "slow" && pair[1] === 3000 && failures++ === 0) throw new Error("once");
            return pair;
          }),
      );
    }, settings);
    expect(failures).toBe(2);
    // A batch of one of two readers spans 512 ms; so does what is taken from one of two channels at a time.
    expect(distanceMax(noted.slice(-5000))).toBeLessThanOrEqual(100 + 2 * 512);
  });

  test("a source of the group that has ended or is idle holds nobody up", async () => {
    const noted = await run((env, note) => {
      const strategy = WatermarkStrategy.forMonotonousTimestamps<number>()
        .withIdleness("200 ms")
        .withWatermarkAlignment("together", "100 ms")
        .withTimestampAssigner(ownTime);
      const quiet = env.fromSource(
        scriptedSource([
          [
            { atMs: 0, value: 1 },
            { atMs: 5000, value: 5000 },
          ],
        ]),
        strategy,
        "quiet",
      );
      const short = env.fromSource(scriptedSource([[{ atMs: 0, value: 2 }]]), strategy, "short");
      const busy = env.fromSource(scriptedSource([steady(0, 2000, 100)]), strategy, "busy");
      note(busy.map((n) => n * 10).union(quiet, short));
    });
    const busy = noted.filter((each) => Number(each.value) % 10 === 0 && each.value !== 5000);
    expect(busy.at(-1)!.atMs).toBeLessThan(2500);
  });

  test.each([
    () => WatermarkStrategy.noWatermarks().withWatermarkAlignment("", "1 s"),
    () => WatermarkStrategy.noWatermarks().withWatermarkAlignment("g", 0),
    () => WatermarkStrategy.noWatermarks().withWatermarkAlignment("g", "1 s", 0),
  ])("MR_WATERMARK_STRATEGY_INVALID: a group without a name, and times out of range, are refused (%#)", (make) => {
    expect(make).toThrow("MR_WATERMARK_STRATEGY_INVALID");
  });
});

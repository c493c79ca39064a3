import { describe, expect, expectTypeOf, test } from "vitest";
import { AsyncDataStream } from "../api/async-data-stream.ts";
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { AsyncContext, AsyncFunction } from "../operators/async/async-functions.ts";
import { AsyncRetryStrategies } from "../operators/async/async-retry.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

const RESTARTING = {
  "execution.checkpointing.interval": "50 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "20 ms",
};

const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const parsed = (rows: CommittedRows): readonly number[] => rows.rows.map((row) => Number(row)).sort((a, b) => a - b);

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>>,
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** A service on the platform's clock: it answers after a time of its own choosing. */
class Service {
  readonly #platform: SimulatedPlatform;
  readonly #random: { u32(): number };
  calls = 0;
  inFlight = 0;
  inFlightMax = 0;
  aborted = 0;

  constructor(platform: SimulatedPlatform, label: string) {
    this.#platform = platform;
    this.#random = platform.random.fork(label);
  }

  delayMs(): number {
    return this.#random.u32() % 40;
  }

  answer<R>(value: R, signal: AbortSignal, delayMs: number = this.delayMs()): Promise<R> {
    this.calls++;
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight);
    return new Promise((resolve, reject) => {
      const cancel = this.#platform.clock.after(delayMs, () => {
        this.inFlight--;
        resolve(value);
      });
      signal.addEventListener("abort", () => {
        cancel();
        this.inFlight--;
        this.aborted++;
        reject(new Error("aborted"));
      });
    });
  }
}

interface Run {
  readonly platform: SimulatedPlatform;
  readonly service: Service;
  readonly rows: CommittedRows;
}

async function run(
  seed: number,
  settings: Readonly<Record<string, string>>,
  build: (env: StreamExecutionEnvironment, run: Run) => void,
): Promise<Run> {
  const platform = createSimulatedPlatform({ seed });
  const made = { platform, service: new Service(platform, "service"), rows: new CommittedRows() };
  const env = environment(platform, settings);
  build(env, made);
  await platform.run(() => env.execute(), 3_600_000);
  return made;
}

describe("F02: async I/O", () => {
  test.each([1, 3])(
    "every record has its result, and the end of input waits for the last one, at p = %i",
    async (p) => {
      const { rows, service } = await run(1, at(p), (env, { service: asked, rows: target }) => {
        env
          .fromSequence(0, 499)
          .mapAsync((n, { signal }) => asked.answer(n * 2, signal), { capacity: 7 })
          .sinkTo(target.sink());
      });
      expect(parsed(rows)).toEqual(numbers(500).map((n) => n * 2));
      expect(service.inFlightMax).toBe(7 * p);
    },
  );

  test("ordered results leave in the order of their records, unordered ones as they come", async () => {
    for (const ordered of [true, false]) {
      const seen: number[] = [];
      await run(2, {}, (env, { service, rows }) => {
        env
          .fromSequence(0, 199)
          .mapAsync((n, { signal }) => service.answer(n, signal), { ordered })
          .map((n) => {
            seen.push(n);
            return n;
          })
          .sinkTo(rows.sink());
      });
      expect(seen.toSorted((a, b) => a - b)).toEqual(numbers(200));
      expect(seen.every((n, index) => n === index)).toBe(ordered);
    }
  });

  test.each([
    [true, 1],
    [false, 1],
    [false, 3],
  ])(
    "no result is overtaken by a watermark: windows behind it are complete; ordered %s, p = %i",
    async (ordered, p) => {
      const { rows } = await run(3, at(p), (env, { service, rows: target }) => {
        env
          .fromSource(
            DataGeneratorSource.of((i) => i, 600, { ratePerSecond: 2000 }),
            { boundedOutOfOrderness: 0, timestamp: (n) => n * 10 },
            "numbers",
          )
          .mapAsync((n, { signal }) => service.answer(n, signal), { ordered, capacity: 50 })
          .keyBy(() => "all")
          .window(TumblingEventTimeWindows.of("1 s"))
          .aggregate({ createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count })
          .uid("counts")
          .sinkTo(target.sink());
      });
      expect(parsed(rows)).toEqual([100, 100, 100, 100, 100, 100]);
    },
  );

  test.each([
    [true, 1],
    [false, 1],
    [true, 2],
    [false, 3],
  ])(
    "nothing is lost or doubled when the job restarts with requests in flight; ordered %s, p = %i",
    async (ordered, p) => {
      for (const seed of [4, 5, 6]) {
        const settings = { ...RESTARTING, ...at(p) };
        let failures = 0;
        const { rows, service } = await run(seed, settings, (env, { service: asked, rows: target }) => {
          env
            .fromSource(
              DataGeneratorSource.of((i) => i, 400, { ratePerSecond: 1000 }),
              { boundedOutOfOrderness: 0, timestamp: (n) => n },
              "numbers",
            )
            .mapAsync((n, { signal }) => asked.answer(n, signal), { ordered, capacity: 40 })
            .uid("async")
            .map((n: number) => {
              if (n % 133 === 132 && failures < 4) {
                failures++;
                throw new Error("now and then");
              }
              return n;
            })
            .sinkTo(target.sink())
            .uid("rows");
        });
        expect(parsed(rows)).toEqual(numbers(400));
        expect(failures).toBe(4);
        expect(service.aborted).toBeGreaterThan(0);
        expect(service.inFlight).toBe(0);
      }
    },
  );

  test.each([
    [1, 3],
    [3, 2],
    [2, 1],
  ])("what is in flight is dealt out anew when a job is stopped at p = %i and goes on at p = %i", async (from, to) => {
    const platform = createSimulatedPlatform({ seed: 9 });
    const rows = new CommittedRows();
    const service = new Service(platform, "service");
    let isSlow = true;
    const build = (env: StreamExecutionEnvironment): void => {
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 300, { ratePerSecond: 500 }),
          { boundedOutOfOrderness: 0, timestamp: (n) => n },
          "numbers",
        )
        .keyBy((n) => n % 10)
        .mapAsync((n, { signal }) => service.answer(n, signal, isSlow ? 1e7 : 10))
        .uid("async")
        .sinkTo(rows.sink())
        .uid("rows");
    };
    await platform.run(async () => {
      const env = environment(platform, { ...RESTARTING, ...at(from), "execution.checkpointing.interval": "1 h" });
      build(env);
      const client = await env.executeAsync();
      await new Promise<void>((resolve) => platform.clock.after(100, resolve));
      const path = await client.stop();
      expect(service.aborted).toBeGreaterThan(20);
      expect(rows.rows).toEqual([]);
      isSlow = false;
      const next = environment(platform, { ...RESTARTING, ...at(to), "execution.state-recovery.path": path! });
      build(next);
      await next.execute();
    }, 3_600_000);
    expect(parsed(rows)).toEqual(numbers(300));
  });

  test("flatMapAsync gives any number of results, with the timestamp of their record", async () => {
    const { rows } = await run(10, {}, (env, { service, rows: target }) => {
      env
        .fromSequence(0, 5)
        .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (n) => n * 100 })
        .flatMapAsync((n, { signal }) => service.answer(new Set(numbers(n % 3)), signal))
        .process({ processElement: (_n: number, context, out) => out.collect(context.timestamp) })
        .sinkTo(target.sink());
    });
    expect(parsed(rows)).toEqual([100, 200, 200, 400, 500, 500]);
  });

  test("a retry strategy asks again after failures and after results, as often as it says", async () => {
    const attempts = new Map<number, number>();
    const { rows } = await run(11, {}, (env, { rows: target }) => {
      env
        .fromSequence(0, 9)
        .mapAsync(
          async (n, { attempt }) => {
            attempts.set(n, attempt);
            if (n === 3 && attempt < 3) throw new Error("not yet");
            if (n === 5 && attempt < 2) return -1;
            return n;
          },
          {
            retry: AsyncRetryStrategies.fixedDelay(2, "10 ms", {
              ifException: () => true,
              ifResult: (result: number) => result < 0,
            }),
          },
        )
        .sinkTo(target.sink());
    });
    expect(parsed(rows)).toEqual(numbers(10));
    expect([3, 5, 7].map((n) => attempts.get(n))).toEqual([3, 2, 1]);
  });

  test("a result that is still refused after the last retry is emitted, a failure then fails the job", async () => {
    const retry = AsyncRetryStrategies.fixedDelay<number>(2, "10 ms", { ifResult: (result) => result < 0 });
    let calls = 0;
    const { rows } = await run(12, {}, (env, { rows: target }) => {
      env
        .fromData([1])
        .mapAsync(
          async () => {
            calls++;
            return -1;
          },
          { retry },
        )
        .sinkTo(target.sink());
    });
    expect(parsed(rows)).toEqual([-1]);
    expect(calls).toBe(3);
  });

  test("the timeout covers all attempts and the waiting between them", async () => {
    const failing = run(13, {}, (env, { rows }) => {
      env
        .fromData([1])
        .mapAsync(async (): Promise<number> => Promise.reject(new Error("never")), {
          timeout: "1 s",
          retry: AsyncRetryStrategies.fixedDelay(1000, "300 ms"),
        })
        .name("lookup")
        .sinkTo(rows.sink());
    });
    await expect(failing).rejects.toThrow(/MR_ASYNC_TIMEOUT.*lookup.*no result after 1 s, at attempt 4/);
  });

  test("onTimeout gives the result of a record that takes too long, whose signal is aborted with the reason", async () => {
    const reasons: unknown[] = [];
    const { rows } = await run(14, {}, (env, { platform, rows: target }) => {
      env
        .fromSequence(0, 9)
        .mapAsync(
          (n, { signal }) =>
            new Promise<number>((resolve) => {
              signal.addEventListener("abort", () => reasons.push(signal.reason));
              platform.clock.after(n === 4 ? 5000 : 5, () => resolve(n));
            }),
          { timeout: "100 ms", onTimeout: (n) => -n },
        )
        .sinkTo(target.sink());
    });
    expect(parsed(rows)).toEqual([-4, 0, 1, 2, 3, 5, 6, 7, 8, 9]);
    expect(reasons).toEqual([expect.objectContaining({ code: "MR_ASYNC_TIMEOUT" })]);
  });

  test("MR_ASYNC_FAILED: a rejection fails the job with its operator, place and cause", async () => {
    const failing = run(15, {}, (env, { rows }) => {
      env
        .fromSequence(0, 9)
        .mapAsync(async (n) => (n === 3 ? Promise.reject(new Error("no such customer")) : n))
        .name("customers")
        .uid("customer-lookup")
        .sinkTo(rows.sink());
    });
    await expect(failing).rejects.toThrow(
      /MR_ASYNC_FAILED.*"customers" failed: no such customer .*uid customer-lookup, at .*async-job\.test\.ts/,
    );
  });

  test("a function that throws instead of returning a promise fails the job in the same way", async () => {
    const failing = run(16, {}, (env, { rows }) => {
      env
        .fromSequence(0, 9)
        .mapAsync((): Promise<number> => {
          throw new Error("at once");
        })
        .sinkTo(rows.sink());
    });
    await expect(failing).rejects.toThrow(/MR_ASYNC_FAILED.*at once/);
  });

  test("MR_ASYNC_RESULT_INVALID: a list is expected of flatMapAsync", async () => {
    const failing = run(17, {}, (env, { rows }) => {
      env
        .fromData([1])
        .flatMapAsync(async () => 5 as unknown as number[])
        .sinkTo(rows.sink());
    });
    await expect(failing).rejects.toThrow("MR_ASYNC_RESULT_INVALID");
  });

  test("AsyncDataStream: Flink's four forms, with a function object of each subtask's own", async () => {
    class Lookup implements AsyncFunction<number, number> {
      private base = 0;
      private readonly service: Service;

      constructor(service: Service) {
        this.service = service;
      }

      open(): void {
        this.base += 1000;
      }

      asyncInvoke(n: number, { signal }: AsyncContext): Promise<number[]> {
        return this.service.answer([this.base + n], signal, n === 7 ? 10_000 : undefined);
      }

      timeout(n: number): number[] {
        return [-n];
      }
    }
    const retry = AsyncRetryStrategies.fixedDelay<readonly number[]>(1, 10);
    const forms: ((stream: DataStream<number>, fn: Lookup) => DataStream<number>)[] = [
      (stream, fn) => AsyncDataStream.orderedWait(stream, fn, "1 s"),
      (stream, fn) => AsyncDataStream.unorderedWait(stream, fn, "1 s", 5),
      (stream, fn) => AsyncDataStream.orderedWaitWithRetry(stream, fn, "1 s", retry),
      (stream, fn) => AsyncDataStream.unorderedWaitWithRetry(stream, fn, "1 s", retry, 5),
    ];
    for (const form of forms) {
      const { rows } = await run(18, at(2), (env, { service, rows: target }) => {
        form(env.fromSequence(0, 19), new Lookup(service)).sinkTo(target.sink());
      });
      expect(parsed(rows)).toEqual([
        -7,
        ...numbers(20)
          .filter((n) => n !== 7)
          .map((n) => 1000 + n),
      ]);
    }
  });

  test("types are inferred from the promise, and options know what a request gives", () => {
    const env = environment(createSimulatedPlatform({ seed: 1 }), {});
    const stream = env.fromData([{ id: 1, name: "a" }]);
    const looked = stream.mapAsync(async ({ id }) => ({ id, price: id * 2 }), {
      retry: AsyncRetryStrategies.fixedDelay(1, 10, { ifResult: (result: { price: number }) => result.price < 0 }),
      onTimeout: (value) => ({ id: value.id, price: 0 }),
    });
    expectTypeOf(looked).toExtend<DataStream<{ id: number; price: number }>>();
    expectTypeOf(stream.flatMapAsync(async ({ name }) => name.split(","))).toExtend<DataStream<string>>();
    // @ts-expect-error a result that is no promise: map is the method for that
    stream.mapAsync((value) => value.id);
    // @ts-expect-error one result where a list is expected
    stream.flatMapAsync(async (value) => value.id);
  });

  test.each<[string, (stream: DataStream<number>) => unknown]>([
    ["capacity", (stream) => stream.mapAsync(async (n) => n, { capacity: 0 })],
    ["timeout", (stream) => stream.mapAsync(async (n) => n, { timeout: 0 })],
    ["function", (stream) => stream.mapAsync({} as never)],
    ["retry", (stream) => stream.mapAsync(async (n) => n, { retry: 3 as never })],
    ["onTimeout", (stream) => stream.mapAsync(async (n) => n, { onTimeout: 3 as never })],
    ["asyncInvoke", (stream) => AsyncDataStream.orderedWait(stream, (async () => []) as never, "1 s")],
  ])("MR_ARGUMENT_INVALID: a %s that cannot be used is refused while the pipeline is built", (_what, call) => {
    const env = environment(createSimulatedPlatform({ seed: 1 }), {});
    expect(() => call(env.fromData([1]))).toThrow("MR_ARGUMENT_INVALID");
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { HybridOutput } from "../connectors/hybrid/hybrid-output.ts";
import { HybridSource } from "../connectors/hybrid/hybrid-source.ts";
import { NumberSequenceSource } from "../connectors/sequence-source.ts";
import type { ReaderOutput, Source } from "../connectors/source.ts";
import type { StridedEnumerator, StridedEnumeratorState } from "../connectors/strided-enumerator.ts";
import type { StridedSplit } from "../connectors/strided-split.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

interface Row {
  readonly source: number;
  readonly n: number;
}

type Counted<T> = Source<T, StridedSplit, StridedEnumeratorState>;

const RESTARTING = {
  "execution.checkpointing.interval": "20 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "10 ms",
};

const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>>,
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** The same source, which says where it ends, and takes a while to start and to stop finding splits. */
function endingAt<T>(platform: SimulatedPlatform, source: Counted<T>, position: unknown): Counted<T> {
  const pause = (): Promise<void> => new Promise((resolve) => void platform.clock.after(15, resolve));
  const slow = (enumerator: StridedEnumerator): StridedEnumerator =>
    Object.assign(enumerator, { start: pause, close: pause, endPosition: () => position });
  return {
    description: source.description,
    boundedness: source.boundedness,
    createReader: (context) => source.createReader(context),
    createEnumerator: (context) => slow(source.createEnumerator(context) as StridedEnumerator),
    restoreEnumerator: (context, state) => slow(source.restoreEnumerator(context, state) as StridedEnumerator),
    splitSerializer: source.splitSerializer,
    enumeratorStateSerializer: source.enumeratorStateSerializer,
  };
}

/** A source of each size, one after the other; what comes first is what the one before says at its end. */
function hybridOf(platform: SimulatedPlatform, sizes: readonly [number, number, number]): HybridSource<Row> {
  const part = (source: number, start: number, count: number): Counted<Row> =>
    endingAt(
      platform,
      DataGeneratorSource.of((i) => ({ source, n: start + i }), count, { ratePerSecond: 300 }),
      { next: start + count },
    );
  const nextOf = (position: unknown): number => (position as { readonly next: number }).next;
  return HybridSource.builder(part(0, 0, sizes[0]))
    .addSource(({ previousEndPosition }) => part(1, nextOf(previousEndPosition), sizes[1]), "bounded")
    .addSource(({ previousEndPosition }) => part(2, nextOf(previousEndPosition), sizes[2]), "bounded")
    .build();
}

const endless: Counted<number> = {
  ...endingAt(createSimulatedPlatform({ seed: 1 }), NumberSequenceSource.of(1, 2), 0),
  boundedness: "continuous-unbounded",
};

/** What the subtasks of the attempts see, in the order in which they see it. */
class Order {
  readonly failures: Set<number>;
  readonly violations: string[] = [];
  #count = 0;
  #highest = 0;

  constructor(failures: readonly number[]) {
    this.failures = new Set(failures);
  }

  attemptStarts(): void {
    this.#highest = 0;
  }

  see(row: Row): void {
    if (row.source < this.#highest) this.violations.push(`${row.n} of source ${row.source} after ${this.#highest}`);
    this.#highest = Math.max(this.#highest, row.source);
    if (this.failures.has(this.#count++)) throw new Error("once");
  }
}

function build(env: StreamExecutionEnvironment, source: HybridSource<Row>, order: Order, rows: CommittedRows): void {
  env
    .fromSource(source, { boundedOutOfOrderness: 0, timestamp: (row) => row.n }, "hybrid")
    .uid("hybrid")
    .map({
      open: () => order.attemptStarts(),
      map: (row: Row) => {
        order.see(row);
        return row;
      },
    })
    .uid("seen")
    .sinkTo(rows.sink())
    .uid("rows");
}

function expectEachOnce(rows: CommittedRows, sizes: readonly [number, number, number]): void {
  const expected = sizes.flatMap((count, source) => Array.from({ length: count }, () => source));
  const found = rows.rows.map((row) => JSON.parse(row) as Row).toSorted((a, b) => a.n - b.n);
  expect(found).toEqual(expected.map((source, n) => ({ source, n })));
}

const sizesOf = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30));

describe("F07: HybridSource reads its sources one after the other", () => {
  test("F07: HybridSource reads each record once, all of a source before any of the next, wherever the job restarts", async () => {
    const failures = fc.array(fc.nat(120), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), sizesOf, fc.integer({ min: 1, max: 3 }), failures, async (seed, sizes, p, at_) => {
        const platform = createSimulatedPlatform({ seed });
        const order = new Order(at_);
        const rows = new CommittedRows();
        const env = environment(platform, { ...RESTARTING, ...at(p) });
        build(env, hybridOf(platform, sizes), order, rows);
        await platform.run(() => env.execute(), 600_000);
        expect(order.violations).toEqual([]);
        expectEachOnce(rows, sizes);
      }),
      { numRuns: 30 },
    );
  });

  test("F07: HybridSource stopped anywhere and restored at another parallelism: each record comes once", async () => {
    const parallelism = fc.integer({ min: 1, max: 4 });
    const sizes: readonly [number, number, number] = [25, 25, 60];
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.integer({ min: 1, max: 330 }), parallelism, parallelism, async (...drawn) => {
        const [seed, stopMs, before, after] = drawn;
        const platform = createSimulatedPlatform({ seed });
        const rows = new CommittedRows();
        const order = new Order([]);
        const path = await platform.run(async () => {
          const env = environment(platform, { ...RESTARTING, ...at(before) });
          build(env, hybridOf(platform, sizes), order, rows);
          const client = await env.executeAsync();
          await new Promise<void>((resolve) => void platform.clock.after(stopMs, resolve));
          return client.stop();
        }, 600_000);
        await platform.run(async () => {
          const env = environment(platform, { ...RESTARTING, ...at(after), "execution.state-recovery.path": path! });
          build(env, hybridOf(platform, sizes), order, rows);
          await env.execute();
        }, 600_000);
        expect(order.violations).toEqual([]);
        expectEachOnce(rows, sizes);
      }),
      { numRuns: 30 },
    );
  });

  test.each([1, 2])(
    "F07: HybridSource goes on from where a built-in source says that it ended, at p = %i",
    async (p) => {
      const platform = createSimulatedPlatform({ seed: 6 });
      const rows = new CommittedRows();
      const env = environment(platform, at(p));
      const numbers = HybridSource.builder(NumberSequenceSource.of(1, 20))
        .addSource(({ previousEndPosition }) => {
          const from = previousEndPosition as number;
          return NumberSequenceSource.of(from, from + 9);
        }, "bounded")
        .build();
      env.fromSource(numbers, { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers").sinkTo(rows.sink());
      await platform.run(() => env.execute(), 600_000);
      expect(rows.rows.map(Number).toSorted((left, right) => left - right)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
    },
  );

  test.each([1, 2])(
    "F07: HybridSource: event time goes on with the next source, which may never end, at p = %i",
    async (p) => {
      const platform = createSimulatedPlatform({ seed: 4 });
      const env = environment(platform, { ...RESTARTING, ...at(p) });
      const rows = new CommittedRows();
      const source = HybridSource.builder(NumberSequenceSource.of(0, 99))
        .addSource(DataGeneratorSource.of((i) => 100 + i, 1e9, { ratePerSecond: 100 }))
        .build();
      env
        .fromSource(source, { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers")
        .keyBy(() => "all")
        .window(TumblingEventTimeWindows.of("50 ms"))
        .aggregate({ createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count })
        .uid("counts")
        .sinkTo(rows.sink());
      await platform.run(async () => {
        const client = await env.executeAsync();
        await new Promise<void>((resolve) => void platform.clock.after(3000, resolve));
        await client.cancel();
      }, 60_000);
      expect(rows.rows.length).toBeGreaterThan(4);
      expect(new Set(rows.rows)).toEqual(new Set(["50"]));
    },
  );

  test("F07: HybridSource: splits that a source has left unfinished end with it", () => {
    const finished: string[] = [];
    const target: ReaderOutput<number> = {
      remaining: 1,
      collect: () => {},
      fromSplit: () => {},
      splitStarted: () => {},
      splitFinished: (splitId) => finished.push(splitId),
      poison: () => {},
    };
    const output = new HybridOutput<number>(3);
    output.writeTo(target);
    output.fromSplit("a");
    output.splitStarted("b");
    output.splitFinished("b");
    output.finishSplits();
    expect(finished.toSorted()).toEqual(["3:", "3:a", "3:b"]);
  });

  test("F07: HybridSource: an error while the next source is made or started fails the job", async () => {
    const failing = (next: () => Counted<number>): Promise<unknown> => {
      const platform = createSimulatedPlatform({ seed: 5 });
      const env = environment(platform, { ...at(2), "restart-strategy.type": "none" });
      const source = HybridSource.builder(NumberSequenceSource.of(1, 10)).addSource(next, "bounded").build();
      env
        .fromSource(source, { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers")
        .sinkTo(new CommittedRows().sink());
      return platform.run(() => env.execute(), 60_000);
    };
    await expect(failing(() => endless)).rejects.toThrow(/MR_SOURCE_OPTION_INVALID/);
    const unreachableSource: Counted<number> = {
      ...endless,
      boundedness: "bounded",
      createEnumerator: (context) =>
        Object.assign(NumberSequenceSource.of(1, 2).createEnumerator(context), {
          start: () => Promise.reject(new Error("no such log")),
        }),
    };
    await expect(failing(() => unreachableSource)).rejects.toThrow(/no such log/);
  });

  test("F07: HybridSource: only the last source may be unbounded, and a factory says whether its source is", () => {
    const builder = HybridSource.builder(endless);
    expect(builder.build().boundedness).toBe("continuous-unbounded");
    expect(() => builder.addSource(NumberSequenceSource.of(1, 2))).toThrow(/MR_SOURCE_OPTION_INVALID/);
    const bounded = HybridSource.builder(NumberSequenceSource.of(1, 2));
    expect(() => bounded.addSource((() => endless) as never)).toThrow(/MR_SOURCE_OPTION_INVALID/);
  });
});

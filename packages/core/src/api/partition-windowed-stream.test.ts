import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Collector, RuntimeContext } from "../operators/functions.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { harnessOf } from "../testing/harness-of.ts";
import type {
  HarnessSnapshot,
  OneInputOperatorTestHarness,
  OperatorTestHarnessOptions,
} from "../testing/operator-test-harness.ts";
import { compareKeys } from "../types/compare-keys.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";

interface Reading {
  readonly sensor: string;
  readonly value: number;
}

type Start = (options?: OperatorTestHarnessOptions) => OneInputOperatorTestHarness<Reading, unknown>;

/** A harness of what is built on a stream of readings. */
function starting<R>(build: (input: DataStream<Reading>) => SingleOutputStreamOperator<R>): Start {
  return (options) => harnessOf(build, options);
}

const average = {
  createAccumulator: () => ({ sum: 0, count: 0 }),
  add: (reading: Reading, kept: { sum: number; count: number }) => ({
    sum: kept.sum + reading.value,
    count: kept.count + 1,
  }),
  getResult: (kept: { sum: number; count: number }) => kept.sum / kept.count,
};

const add = (left: Reading, right: Reading): Reading => ({ ...left, value: left.value + right.value });

/** Every method, and what it makes of one partition. */
const methods: Readonly<
  Record<
    string,
    { readonly build: Start; readonly keyed: Start; readonly naive: (all: readonly Reading[]) => unknown[] }
  >
> = {
  mapPartition: {
    build: starting((input) => input.fullWindowPartition().mapPartition((all) => [[...all].map(({ value }) => value)])),
    keyed: starting((input) =>
      input
        .keyBy(({ sensor }) => sensor)
        .fullWindowPartition()
        .mapPartition((all) => [[...all].map(({ value }) => value)]),
    ),
    naive: (all) => [all.map(({ value }) => value)],
  },
  sortPartition: {
    build: starting((input) => input.fullWindowPartition().sortPartition("value", "DESCENDING")),
    keyed: starting((input) =>
      input
        .keyBy(({ sensor }) => sensor)
        .fullWindowPartition()
        .sortPartition((reading) => reading.value, "DESCENDING"),
    ),
    naive: (all) => all.toSorted((left, right) => right.value - left.value),
  },
  reduce: {
    build: starting((input) => input.fullWindowPartition().reduce(add)),
    keyed: starting((input) =>
      input
        .keyBy(({ sensor }) => sensor)
        .fullWindowPartition()
        .reduce({ reduce: add }),
    ),
    naive: (all) => [all.reduce(add)],
  },
  aggregate: {
    build: starting((input) => input.fullWindowPartition().aggregate(average)),
    keyed: starting((input) =>
      input
        .keyBy(({ sensor }) => sensor)
        .fullWindowPartition()
        .aggregate(average),
    ),
    naive: (all) => [
      average.getResult(all.reduce((kept, each) => average.add(each, kept), average.createAccumulator())),
    ],
  },
};

const readings = fc.array(fc.record({ sensor: fc.constantFrom("a", "b", "c"), value: fc.nat(9) }), { maxLength: 20 });

function naiveByKey(all: readonly Reading[], naive: (all: readonly Reading[]) => unknown[]): unknown[] {
  const sensors = [...new Set(all.map(({ sensor }) => sensor))].sort();
  return sensors.flatMap((sensor) => naive(all.filter((reading) => reading.sensor === sensor)));
}

/** Feeds everything; with `restarts` it goes on in a restored harness after every record. */
function resultOf(start: Start, all: readonly Reading[], restarts: boolean): readonly unknown[] {
  let harness = start();
  all.forEach((reading, index) => {
    harness.processElement(reading, index);
    expect(harness.getOutput()).toEqual([]);
    if (restarts) harness = start({ restore: harness.snapshot() });
  });
  harness.endInput();
  return harness.extractOutputValues();
}

/** At the end of input there is what a plain function makes of all records, whatever was restored on the way. */
function expectAsNaive(method: keyof typeof methods): void {
  const { build, keyed, naive } = methods[method]!;
  fc.assert(
    fc.property(readings, fc.boolean(), (all, restarts) => {
      expect(resultOf(build, all, restarts)).toEqual(all.length === 0 ? [] : naive(all));
      expect(resultOf(keyed, all, restarts)).toEqual(naiveByKey(all, naive));
    }),
    { numRuns: 15 },
  );
}

describe("F04: fullWindowPartition", () => {
  test("F04: mapPartition gets all records at the end of input, over restores at every step", () => {
    expectAsNaive("mapPartition");
  });

  test("F04: sortPartition emits all records in order at the end of input, over restores at every step", () => {
    expectAsNaive("sortPartition");
  });

  test("F04: reduce emits one record of all at the end of input, over restores at every step", () => {
    expectAsNaive("reduce");
  });

  test("F04: aggregate emits one result of all at the end of input, over restores at every step", () => {
    expectAsNaive("aggregate");
  });

  test("partitions of more subtasks than a restore has are emitted one after the other", () => {
    const start = methods["mapPartition"]!.build;
    const wide = start({ parallelism: 3 });
    for (let value = 0; value < 6; value++) wide.processElement({ sensor: "a", value });
    const snapshot: HarnessSnapshot = wide.snapshot();
    const narrow = start({ restore: snapshot });
    narrow.endInput();
    expect(narrow.extractOutputValues()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    const ended = start({ restore: narrow.snapshot() });
    ended.endInput();
    expect(ended.extractOutputValues()).toEqual([]);
  });

  test.each([1, 3])("a job emits one result a key, once, at parallelism %i with a restart on the way", async (p) => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const entries = Object.entries({
      "parallelism.default": String(p),
      "execution.checkpointing.interval": "10 ms",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.delay": "10 ms",
    }).map(([key, value]) => ({ key, value }));
    const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
    const rows = new CommittedRows();
    env
      .fromSequence(1, 2000)
      .map(new FailsOnce())
      .keyBy((n) => n % 3)
      .fullWindowPartition()
      .aggregate({ createAccumulator: () => 0, add: (n, sum) => sum + n, getResult: (sum) => sum })
      .uid("sums")
      .sinkTo(rows.sink())
      .uid("rows");
    const { restartCount } = await platform.run(() => env.execute());
    expect(restartCount).toBe(1);
    expect(rows.rows.map(Number).toSorted((a, b) => a - b)).toEqual([0, 1, 2].map(sumOf).toSorted((a, b) => a - b));
  });

  test("its types are those of the stream; a field that cannot be ordered is a compile error", () => {
    const typed = (input: DataStream<Reading>): void => {
      expectTypeOf(input.fullWindowPartition().mapPartition((all) => [...all].map(({ value }) => value))).toEqualTypeOf<
        SingleOutputStreamOperator<number>
      >();
      expectTypeOf(input.fullWindowPartition().sortPartition("value", "ASCENDING")).toEqualTypeOf<
        SingleOutputStreamOperator<Reading>
      >();
      // @ts-expect-error: no such field
      input.fullWindowPartition().sortPartition("price", "ASCENDING");
      // @ts-expect-error: no such order
      input.fullWindowPartition().sortPartition("value", "UP");
    };
    expect(typed).toBeTypeOf("function");
  });

  test("misuse is told at once", () => {
    const wrong: unknown = "UP";
    expect(() =>
      harnessOf((input: DataStream<Reading>) =>
        input.fullWindowPartition().sortPartition("value", wrong as "ASCENDING"),
      ),
    ).toThrow(/MR_ARGUMENT_INVALID.*"UP"/);
    const asynchronous: unknown = async () => [];
    expect(() =>
      harnessOf((input: DataStream<Reading>) =>
        input.fullWindowPartition().mapPartition(asynchronous as () => number[]),
      ),
    ).toThrow(/MR_ASYNC_NOT_ALLOWED/);
  });

  test("functions are opened, and may emit through a collector", () => {
    const harness = harnessOf((input: DataStream<Reading>) =>
      input.fullWindowPartition().mapPartition({
        open(context: RuntimeContext) {
          (this as { subtask?: number }).subtask = context.indexOfThisSubtask;
        },
        mapPartition(all: Iterable<Reading>, out: Collector<string>) {
          for (const { value } of all) out.collect(`${(this as { subtask?: number }).subtask}: ${value}`);
        },
      }),
    );
    harness.processElement({ sensor: "a", value: 1 });
    harness.endInput();
    expect(harness.extractOutputValues()).toEqual(["0: 1"]);
  });
});

test("keys have a total order: by kind, then by value, tuples and objects part by part", () => {
  const ordered = [false, true, -1, 0, 2.5, 3n, "", "a", "b", [1], [1, "a"], [2], { a: 1 }, { a: 2 }];
  for (const [index, key] of ordered.entries()) {
    for (const [other, otherKey] of ordered.entries()) {
      expect(Math.sign(compareKeys(key, otherKey)), JSON.stringify([index, other])).toBe(Math.sign(index - other));
    }
  }
});

const sumOf = (remainder: number): number => {
  let sum = 0;
  for (let n = 1; n <= 2000; n++) if (n % 3 === remainder) sum += n;
  return sum;
};

/** Fails in the first attempt, after some records. */
class FailsOnce {
  private attempt = 0;

  open(context: RuntimeContext): void {
    this.attempt = context.attemptNumber;
  }

  map(n: number): number {
    if (n === 1500 && this.attempt === 0) throw new Error("once");
    return n;
  }
}

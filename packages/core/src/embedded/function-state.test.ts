/** State of user functions in whole jobs: over restarts, over a stop and a restore, over a change of the parallelism. */
import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type {
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedReadOnlyContext,
} from "../operators/broadcast/broadcast-functions.ts";
import type {
  CheckpointedFunction,
  FunctionInitializationContext,
  ListCheckpointed,
} from "../operators/checkpointed-function.ts";
import type {
  CoFlatMapFunction,
  Collector,
  CoMapFunction,
  FilterFunction,
  FlatMapFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapFunction,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import { listState, mapState, reducingState, valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { t } from "../types/declared-types.ts";

const restarting = {
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "1 s",
};
const RECORDS = 200;
const parallelisms = [1, 2] as const;

function environment(
  platform: SimulatedPlatform,
  parallelism: number,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const all = { ...restarting, "parallelism.default": String(parallelism), ...settings };
  const entries = Object.entries(all).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

function numbers(env: StreamExecutionEnvironment, count: number = RECORDS): DataStream<number> {
  const times = { boundedOutOfOrderness: 0, timestamp: (n: number) => n } as const;
  return env.fromSource(
    DataGeneratorSource.of((i) => i, count, { ratePerSecond: 200 }),
    times,
    "numbers",
  );
}

/** Runs a job whose map before the functions under test fails twice, and returns the rows it committed. */
async function rowsOfFailingJob(
  parallelism: number,
  build: (env: StreamExecutionEnvironment, fails: (n: number) => number, rows: CommittedRows) => void,
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 21 });
  const rows = new CommittedRows();
  const failed = new Set<number>();
  const fails = (n: number): number => {
    if ((n === 70 || n === 140) && !failed.has(n)) {
      failed.add(n);
      throw new Error(`once, at ${n}`);
    }
    return n;
  };
  const env = environment(platform, parallelism);
  build(env, fails, rows);
  await platform.run(() => env.execute(), 600_000);
  expect([...failed]).toEqual([70, 140]);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

/** Runs the job for half a second, stops it, restores it at another parallelism and lets it end. */
async function rowsOfStoppedJob(
  [before, after]: readonly [number, number],
  build: (env: StreamExecutionEnvironment, rows: CommittedRows) => void,
  pauseMs = 0,
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 22 });
  const rows = new CommittedRows();
  await platform.run(async () => {
    const env = environment(platform, before);
    build(env, rows);
    const client = await env.executeAsync();
    const pause = (ms: number): Promise<void> => new Promise((resolve) => platform.clock.after(ms, () => resolve()));
    await pause(500);
    const path = await client.stop();
    await pause(pauseMs);
    const resumed = environment(platform, after, { "execution.state-recovery.path": path! });
    build(resumed, rows);
    await resumed.execute();
  }, 7_200_000);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

const byText = (left: unknown, right: unknown): number => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Each record with the number of records of its key up to it. */
function counted(count: number, keys: number): [number, number][] {
  return range(count).map((n) => [n % keys, Math.floor(n / keys) + 1]);
}

class CountingMap implements MapFunction<number, [number, number]> {
  private counts!: ReducingState<number>;
  open(context: RuntimeContext): void {
    this.counts = context.getReducingState(reducingState("counts", (a: number, b: number) => a + b, t.int32));
  }

  map(n: number): [number, number] {
    this.counts.add(1);
    return [n % 3, this.counts.get()!];
  }
}

class FirstOnly implements FilterFunction<number> {
  private seen!: ValueState<boolean>;
  open(context: RuntimeContext): void {
    this.seen = context.getState(valueState("seen", t.boolean));
  }

  filter(): boolean {
    const isFirst = this.seen.value() === undefined;
    this.seen.update(true);
    return isFirst;
  }
}

/** Emits the records of a key in pairs. */
class Pairs implements FlatMapFunction<number, [number, number]> {
  private waiting!: ListState<number>;
  open(context: RuntimeContext): void {
    this.waiting = context.getListState(listState("waiting", t.float64));
  }

  flatMap(n: number, out: Collector<[number, number]>): void {
    const [first] = this.waiting.get();
    if (first === undefined) {
      this.waiting.add(n);
      return;
    }
    this.waiting.clear();
    out.collect([Math.min(first, n), Math.max(first, n)]);
  }
}

describe("S26: rich functions on keyed streams", () => {
  test.each(parallelisms)("S26: map, filter and flatMap keep state per key over restarts, at p = %i", async (p) => {
    const rows = await rowsOfFailingJob(p, (env, fails, target) => {
      const keyed = numbers(env)
        .map(fails)
        .keyBy((n) => n % 3);
      keyed.map(new CountingMap()).uid("map").sinkTo(target.sink()).uid("rows-map");
      keyed
        .filter(new FirstOnly())
        .uid("filter")
        .map((n) => `first ${n % 3}`)
        .sinkTo(target.sink())
        .uid("rows-filter");
      keyed
        .flatMap(new Pairs())
        .uid("flatMap")
        .map(([a, b]) => `pair ${a % 3 === b % 3}`)
        .sinkTo(target.sink())
        .uid("rows-pairs");
    });
    const found = rows.filter((row) => typeof row !== "string");
    expect(found.toSorted(byText)).toEqual(counted(RECORDS, 3).toSorted(byText));
    expect(rows.filter((row) => String(row).startsWith("first"))).toEqual(["first 0", "first 1", "first 2"]);
    expect(rows.filter((row) => row === "pair true").length).toBe(33 + 33 + 33);
    expect(rows.filter((row) => row === "pair false").length).toBe(0);
  });

  test("S26: plain fields start afresh after a restart, state is kept", async () => {
    class Fields implements MapFunction<number, [number, number]> {
      private field = 0;
      private state!: ValueState<number>;
      open(context: RuntimeContext): void {
        this.state = context.getState(valueState("state", t.int32));
      }

      map(): [number, number] {
        this.field++;
        const state = (this.state.value() ?? 0) + 1;
        this.state.update(state);
        return [this.field, state];
      }
    }
    const rows = (await rowsOfFailingJob(1, (env, fails, target) => {
      numbers(env)
        .map(fails)
        .keyBy(() => "all")
        .map(new Fields())
        .uid("fields")
        .sinkTo(target.sink())
        .uid("rows");
    })) as [number, number][];
    expect(rows.map(([, state]) => state).toSorted((a, b) => a - b)).toEqual(range(RECORDS).map((n) => n + 1));
    // Two restarts: the field began three times, and never reached the end.
    expect(rows.filter(([field]) => field === 1).length).toBe(3);
    expect(Math.max(...rows.map(([field]) => field))).toBeLessThan(RECORDS);
  });

  test("S26: initializeState, open and close come in this order in every attempt, close after a failure too", async () => {
    const calls: string[] = [];
    class Logging implements MapFunction<number, number>, CheckpointedFunction {
      initializeState(context: FunctionInitializationContext): void {
        calls.push(`initializeState ${context.isRestored} ${context.restoredCheckpointId !== undefined}`);
      }

      open(context: RuntimeContext): void {
        calls.push(`open ${context.attemptNumber}`);
      }

      map = (n: number): number => n;

      snapshotState(): void {}

      close(): void {
        calls.push("close");
      }
    }
    await rowsOfFailingJob(1, (env, fails, target) => {
      numbers(env).map(fails).map(new Logging()).uid("logging").sinkTo(target.sink()).uid("rows");
    });
    expect(calls).toEqual([
      "initializeState false false",
      "open 0",
      "close",
      "initializeState true true",
      "open 1",
      "close",
      "initializeState true true",
      "open 2",
      "close",
    ]);
  });
});

describe("S12: connected keyed streams", () => {
  class CoCounting implements CoMapFunction<number, string, [string, number]> {
    private counts!: MapState<string, number>;
    open(context: RuntimeContext): void {
      this.counts = context.getMapState(mapState("counts", t.string, t.int32));
    }

    map1(n: number): [string, number] {
      return this.count(`n${n % 3}`);
    }

    map2(text: string): [string, number] {
      return this.count(`n${Number(text) % 3}`);
    }

    private count(key: string): [string, number] {
      const count = (this.counts.get(key) ?? 0) + 1;
      this.counts.put(key, count);
      return [key, count];
    }
  }

  class CoSumming implements CoFlatMapFunction<number, string, string> {
    private total!: ValueState<number>;
    open(context: RuntimeContext): void {
      this.total = context.getState(valueState("total", t.int32));
    }

    flatMap1(_n: number, out: Collector<string>): void {
      this.flatMap2("", out);
    }

    flatMap2(_text: string, out: Collector<string>): void {
      const total = (this.total.value() ?? 0) + 1;
      this.total.update(total);
      if (total % 10 === 0) out.collect(`total ${total}`);
    }
  }

  test.each(parallelisms)(
    "S12: both inputs of map1/map2 and flatMap1/flatMap2 share keyed state, at p = %i",
    async (p) => {
      const rows = await rowsOfFailingJob(p, (env, fails, target) => {
        const left = numbers(env)
          .map(fails)
          .keyBy((n) => n % 3);
        const right = numbers(env)
          .map((n) => `${n}`)
          .keyBy((text) => Number(text) % 3);
        left.connect(right).map(new CoCounting()).uid("co-map").sinkTo(target.sink()).uid("rows-map");
        left.connect(right).flatMap(new CoSumming()).uid("co-flat-map").sinkTo(target.sink()).uid("rows-flat");
      });
      const counts = counted(RECORDS, 3).flatMap(([key, count]) => [
        [`n${key}`, 2 * count - 1],
        [`n${key}`, 2 * count],
      ]);
      expect(rows.filter((row) => typeof row !== "string").toSorted(byText)).toEqual(counts.toSorted(byText));
      const totals = [134, 134, 132].flatMap((n) =>
        range(Math.floor(n / 10)).map((each) => `total ${(each + 1) * 10}`),
      );
      expect(rows.filter((row) => typeof row === "string").toSorted()).toEqual(totals.toSorted());
    },
  );
});

/** Says, for every record, what its subtask was given back at the start. */
class Elements implements MapFunction<number, string>, CheckpointedFunction {
  private taken: number[] = [];
  private given = "";
  private lists!: { split: ListState<number>; union: ListState<string> };
  private subtask = 0;

  initializeState(context: FunctionInitializationContext): void {
    const store = context.operatorStateStore;
    this.lists = {
      split: store.getListState(listState("split", t.float64)),
      union: store.getUnionListState(listState("union", t.string)),
    };
    const copies = store.getBroadcastState(mapState("broadcast", t.string, t.float64));
    this.given = JSON.stringify({
      union: [...this.lists.union.get()].length,
      copies: [...copies.immutableEntries()],
      raw: context.getRawOperatorStateInputs().length,
    });
    this.taken = [...this.lists.split.get()];
    copies.put("version", 7);
  }

  open(context: RuntimeContext): void {
    this.subtask = context.indexOfThisSubtask;
  }

  map(n: number): string {
    this.taken.push(n);
    return `given ${this.subtask} ${this.given}`;
  }

  snapshotState(context: { addRawOperatorState(bytes: Uint8Array): void }): void {
    this.lists.split.update(this.taken);
    this.lists.union.update([`subtask ${this.subtask}`]);
    context.addRawOperatorState(Uint8Array.of(this.subtask));
    context.addRawOperatorState(Uint8Array.of(this.subtask));
  }
}

describe("S24: operator state", () => {
  test.each([
    [2, 3],
    [3, 2],
    [1, 2],
    [2, 2],
  ] as const)(
    "S24: lists are split, or given to all, maps are copied, from p = %i to p = %i",
    async (before, after) => {
      const rows = (await rowsOfStoppedJob([before, after], (env, target) => {
        numbers(env).rebalance().map(new Elements()).uid("elements").sinkTo(target.sink()).uid("rows");
      })) as string[];
      const given = new Map(
        rows.map((row) => {
          const [, subtask, text] = /^given (\d) (.*)$/.exec(row)!;
          return [`${subtask} ${text}`, JSON.parse(text!) as { union: number; copies: unknown[]; raw: number }];
        }),
      );
      const restored = [...given.values()].filter(({ union }) => union > 0);
      expect(restored.length).toBe(after);
      for (const { union, copies } of restored) {
        expect(union).toBe(before);
        expect(copies).toEqual([["version", 7]]);
      }
      expect(restored.reduce((sum, { raw }) => sum + raw, 0)).toBe(2 * before);
      const [least, most] = [Math.min, Math.max].map((of) => of(...restored.map(({ raw }) => raw)));
      expect(most! - least!).toBeLessThanOrEqual(1);
    },
  );

  class Total implements MapFunction<number, number>, ListCheckpointed<number> {
    private seen: readonly number[] = [];

    map(n: number): number {
      this.seen = [...this.seen, n];
      return n;
    }

    snapshotState(): readonly number[] {
      if (new Set(this.seen).size !== this.seen.length) throw new Error("a record is in the state twice");
      return this.seen;
    }

    restoreState(elements: readonly number[]): void {
      this.seen = elements;
    }
  }

  test.each(parallelisms)("S25: operator state has each record once, over restarts, at p = %i", async (p) => {
    const rows = (await rowsOfFailingJob(p, (env, fails, target) => {
      numbers(env).map(fails).rebalance().map(new Total()).uid("total").sinkTo(target.sink()).uid("rows");
    })) as number[];
    expect(rows.toSorted((a, b) => a - b)).toEqual(range(RECORDS));
  });
});

const factors = mapState("factors", t.string, t.int32);

class Multiplying implements KeyedBroadcastProcessFunction<number, number, number, string> {
  private counts!: ValueState<number>;
  open(context: RuntimeContext): void {
    this.counts = context.getState(valueState("counts", t.int32));
  }

  processElement(n: number, context: KeyedReadOnlyContext<number>, out: Collector<string>): void {
    const count = (this.counts.value() ?? 0) + 1;
    this.counts.update(count);
    if (n < RECORDS) out.collect(`${context.currentKey} ${count}`);
    else out.collect(`${n}: ${[...context.getBroadcastState(factors).immutableEntries()].length} factors`);
  }

  processBroadcastElement(factor: number, context: KeyedBroadcastContext<number>): void {
    context.getBroadcastState(factors).put(`f${factor}`, factor);
  }
}

describe("F01: broadcast state in a job", () => {
  const build = (env: StreamExecutionEnvironment, fails: (n: number) => number, rows: CommittedRows): void => {
    // The last records come when the five factors have long been there.
    const all = numbers(env, RECORDS + 20).map(fails);
    const five = env.fromSequence(1, 5).setParallelism(1);
    all
      .keyBy((n) => n % 4)
      .connect(five.broadcast(factors))
      .process(new Multiplying())
      .uid("multiplying")
      .sinkTo(rows.sink())
      .uid("rows");
  };
  const expected = [
    ...counted(RECORDS, 4).map(([key, count]) => `${key} ${count}`),
    ...range(20).map((n) => `${RECORDS + n}: 5 factors`),
  ].toSorted();

  test.each(parallelisms)("F01: every subtask keeps all of it, over restarts, at p = %i", async (p) => {
    expect((await rowsOfFailingJob(p, build)).toSorted()).toEqual(expected);
  });

  test.each([
    [1, 3],
    [3, 2],
  ] as const)("F01: new subtasks get a copy, from p = %i to p = %i", async (before, after) => {
    const rows = await rowsOfStoppedJob([before, after], (env, target) => build(env, (n) => n, target));
    expect(rows.toSorted()).toEqual(expected);
  });
});

describe("S27: time to live in a job", () => {
  class Seen implements KeyedProcessFunction<string, number, string> {
    private counts!: ValueState<number>;
    open(context: RuntimeContext): void {
      this.counts = context.getState(valueState("counts", t.int32).enableTimeToLive("1 h"));
    }

    processElement(_n: number, _context: KeyedProcessContext<string>, out: Collector<string>): void {
      const count = (this.counts.value() ?? 0) + 1;
      this.counts.update(count);
      out.collect(`${count}`);
    }
  }

  test.each<[string, number, number]>([
    ["a shorter stop keeps values", 1_800_000, 1],
    ["values expire while the job is stopped for longer than that", 3_600_000, 2],
  ])("S27: %s", async (_rule, pauseMs, starts) => {
    const rows = (await rowsOfStoppedJob(
      [1, 2],
      (env, target) => {
        numbers(env)
          .keyBy(() => "all")
          .process(new Seen())
          .uid("seen")
          .sinkTo(target.sink())
          .uid("rows");
      },
      pauseMs,
    )) as string[];
    expect(rows.length).toBe(RECORDS);
    expect(rows.filter((row) => row === "1").length).toBe(starts);
  });
});

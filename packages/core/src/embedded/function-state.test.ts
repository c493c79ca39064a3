/** State of user functions in whole jobs: over restarts, over a stop and a restore, over a change of the parallelism. */
import { describe, expect, test } from "vitest";
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
  Collector,
  FilterFunction,
  FlatMapFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapFunction,
  RuntimeContext,
} from "../operators/functions.ts";
import type { ListState, ReducingState, ValueState } from "../state/keyed-state.ts";
import { listState, mapState, reducingState, valueState } from "../state/state-descriptors.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import type { CommittedRows } from "../testing/committed-rows.ts";
import {
  byText,
  counted,
  numbers,
  RECORDS,
  range,
  rowsOfFailingJob,
  rowsOfStoppedJob,
} from "../testing/failing-jobs.ts";
import { t } from "../types/declared-types.ts";

const parallelisms = [1, 2] as const;

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
    if (n >= RECORDS) {
      out.collect(`${n}: ${[...context.getBroadcastState(factors).immutableEntries()].length} factors`);
      return;
    }
    // Only these are counted: a reader with two strides of the numbers falls behind one that has a single stride.
    const count = (this.counts.value() ?? 0) + 1;
    this.counts.update(count);
    out.collect(`${context.currentKey} ${count}`);
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

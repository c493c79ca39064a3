import { describe, expect, test } from "vitest";
import { checkAgainst } from "../deployment/restore-check.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { graphOptionsOf } from "../graph/graph-options.ts";
import type { CheckpointedFunction, FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState, ValueState } from "../state/keyed-state.ts";
import type { BroadcastState } from "../state/operator-state.ts";
import { listState, mapState, valueState } from "../state/state-descriptors.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import {
  at,
  type BuildJob,
  checkpointed,
  counted,
  countRows,
  environmentOn,
  from,
  halfway,
  KEYS,
  numbers,
  RECORDS,
  rowsOfUpgrade,
} from "../testing/upgrade-jobs.ts";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";

const sorted = (rows: readonly string[]): readonly string[] => [...rows].sort();

/** Keeps the last number of each key, in one type or another. */
class Last<T> implements KeyedProcessFunction<number, number, number> {
  private readonly type: Type<T>;
  private readonly of: (n: number) => T;
  private state!: ValueState<T>;

  constructor(type: Type<T>, of: (n: number) => T) {
    this.type = type;
    this.of = of;
  }

  open(context: RuntimeContext): void {
    this.state = context.getState(valueState("last", this.type));
  }

  processElement(n: number, _context: KeyedProcessContext<number>, out: Collector<number>): void {
    this.state.update(this.of(n));
    out.collect(n);
  }
}

/** Two counts of one stream. */
const two: BuildJob = (env, rows) => {
  const stream = numbers(env);
  counted(stream, "a", "count-a").sinkTo(rows.sink()).uid("rows-a");
  counted(stream, "b", "count-b").sinkTo(rows.sink()).uid("rows-b");
};
const twoRows = sorted([...countRows("a"), ...countRows("b")]);

const onlyA: BuildJob = (env, rows) => {
  counted(numbers(env), "a", "count-a").sinkTo(rows.sink()).uid("rows-a");
};

describe("what may change between a savepoint and the job that starts from it", () => {
  test("S48: operators in another order and with other names keep their state, since their uids are the same", async () => {
    const reordered: BuildJob = (env, rows) => {
      const stream = numbers(env);
      counted(stream, "b", "count-b").sinkTo(rows.sink()).uid("rows-b").name("the second");
      counted(stream, "a", "count-a").sinkTo(rows.sink()).uid("rows-a").name("the first");
    };
    expect(await rowsOfUpgrade(two, reordered)).toEqual(twoRows);
  });

  test("S48: stateless operators are added and removed at will", async () => {
    const withMore: BuildJob = (env, rows) => {
      const stream = numbers(env)
        .filter(() => true)
        .map((n) => n + 0);
      counted(stream, "a", "count-a")
        .map((row) => row)
        .sinkTo(rows.sink())
        .uid("rows-a");
    };
    expect(await rowsOfUpgrade(onlyA, withMore)).toEqual(countRows("a"));
    expect(await rowsOfUpgrade(withMore, onlyA)).toEqual(countRows("a"));
  });

  test.each([1, 2])("S48: chains may be broken and joined, parallelism %i", async (p) => {
    const unchained: BuildJob = (env, rows) => {
      env.disableOperatorChaining();
      onlyA(env, rows);
    };
    const settings = { first: at(p), second: at(p) };
    expect(await rowsOfUpgrade(onlyA, unchained, settings)).toEqual(countRows("a"));
    expect(await rowsOfUpgrade(unchained, onlyA, settings)).toEqual(countRows("a"));
  });

  test("S48: a removed stateful operator is refused by name, and dropped with allowNonRestoredState", async () => {
    await expect(rowsOfUpgrade(two, onlyA)).rejects.toThrow(
      /MR_STATE_NOT_RESTORED.*"count-b".*--allowNonRestoredState/s,
    );
    const allowed = { second: { "execution.state-recovery.ignore-unclaimed-state": "true" } };
    const rows = await rowsOfUpgrade(two, onlyA, allowed);
    expect(rows.filter((row) => row.includes("a "))).toEqual(countRows("a"));
    expect(rows.filter((row) => row.includes("b ")).length).toBeLessThan(RECORDS);
  });

  test("S48: a new stateful operator with a uid starts empty", async () => {
    const rows = await rowsOfUpgrade(onlyA, two);
    expect(rows.filter((row) => row.includes("a "))).toEqual(countRows("a"));
    const seen = rows.filter((row) => row.includes("b "));
    expect(seen).toEqual(countRows("b", RECORDS - seen.length));
  });

  test("S48: a new stateful operator moves the generated uids below it, so without uids the state is refused", async () => {
    const build =
      (hasMore: boolean): BuildJob =>
      (env, rows) => {
        const stream = numbers(env);
        const below = hasMore
          ? stream
              .keyBy((n) => n % KEYS)
              .process({
                processElement: (n: number, _context: KeyedProcessContext<number>, out: Collector<number>) =>
                  out.collect(n),
              })
          : stream;
        counted(below, "a", undefined).sinkTo(rows.sink()).uid("rows");
      };
    await expect(rowsOfUpgrade(build(false), build(true))).rejects.toThrow(
      /MR_STATE_NOT_RESTORED.*"auto-[0-9a-f]{16}"/s,
    );
  });

  test("S48, F20: a changed uid is refused, unless setUidHash says where the state was", async () => {
    const renamed =
      (uidHash: string | undefined): BuildJob =>
      (env, rows) => {
        const stream = numbers(env);
        const counts = stream
          .map((n) => ({ key: n % KEYS, count: 1 }))
          .keyBy((value) => value.key)
          .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
          .uid("counts of a");
        if (uidHash !== undefined) counts.setUidHash(uidHash);
        counts
          .map(({ key, count }) => `a ${key} ${count}`)
          .sinkTo(rows.sink())
          .uid("rows-a");
      };
    await expect(rowsOfUpgrade(onlyA, renamed(undefined))).rejects.toThrow(/MR_STATE_NOT_RESTORED.*"count-a"/s);
    expect(await rowsOfUpgrade(onlyA, renamed("count-a"))).toEqual(countRows("a"));
    // From then on the state is under the uid, and what the other identity says no longer matters.
    expect(await rowsOfUpgrade(renamed("count-a"), renamed("count-a"))).toEqual(countRows("a"));
    expect(await rowsOfUpgrade(renamed("count-a"), renamed(undefined))).toEqual(countRows("a"));
  });

  test("F20: an identity that another operator has is refused", async () => {
    const twice: BuildJob = (env, rows) => {
      two(env, rows);
      numbers(env, "other").sinkTo(rows.sink()).uid("other").setUidHash("count-a");
    };
    await expect(rowsOfUpgrade(two, twice)).rejects.toThrow(/MR_UID_DUPLICATE.*count-a/s);
  });

  test("S48: keyed state of an operator that is keyed no more is refused, not lost", async () => {
    const build =
      (isKeyed: boolean): BuildJob =>
      (env, rows) => {
        const stream = numbers(env);
        (isKeyed ? stream.keyBy((n) => n % KEYS) : stream)
          .map({ open: () => {}, map: (n: number) => `${n}` })
          .uid("texts")
          .sinkTo(rows.sink())
          .uid("rows");
      };
    await expect(rowsOfUpgrade(build(true), build(false))).rejects.toThrow(/MR_STATE_NOT_RESTORED.*"texts"/s);
  });

  test("S48: the maximum parallelism is the savepoint's unless the job sets another, which is refused", async () => {
    const first = { ...at(1), "pipeline.max-parallelism": "16" };
    const onlyThis = (max: string, p: number): Record<string, string> => ({
      ...at(p),
      "pipeline.max-parallelism": max,
    });
    expect(await rowsOfUpgrade(onlyA, onlyA, { first, second: at(3) })).toEqual(countRows("a"));
    expect(await rowsOfUpgrade(onlyA, onlyA, { first, second: onlyThis("16", 2) })).toEqual(countRows("a"));
    for (const second of [onlyThis("32", 1), at(17)])
      await expect(rowsOfUpgrade(onlyA, onlyA, { first, second })).rejects.toThrow("MR_MAX_PARALLELISM_MISMATCH");
  });

  test("S48: state whose type has changed beyond repair ends the job at once, whatever the restart strategy", async () => {
    const build =
      (type: "old" | "new"): BuildJob =>
      (env, rows) => {
        numbers(env)
          .keyBy((n) => n % KEYS)
          .process(type === "old" ? new Last(t.int32, (n) => n) : new Last(t.string, String))
          .uid("last")
          .sinkTo(rows.sink())
          .uid("rows");
      };
    const second = { "restart-strategy.type": "exponential-delay" };
    await expect(rowsOfUpgrade(build("old"), build("new"), { second })).rejects.toThrow(
      /MR_STATE_SCHEMA_INCOMPATIBLE.*int32.*string/s,
    );
  });
});

describe("S48: state at another parallelism", () => {
  const rescales = [
    [1, 3],
    [3, 1],
    [2, 5],
    [5, 2],
  ] as const;

  test.each(rescales)("keyed state and timers, %i to %i", async (p, q) => {
    // A timer of every number, due when the job has been rescaled.
    const timed: BuildJob = (env, rows) => {
      counted(numbers(env), "a", "count-a").sinkTo(rows.sink()).uid("rows-a");
      numbers(env, "timed")
        .keyBy((n) => n)
        .process({
          processElement: (n: number, context: KeyedProcessContext<number>) =>
            context.timerService.registerEventTimeTimer(n * 10 + 1500),
          onTimer: (timeMs: number, context: OnTimerContext<number>, out: Collector<string>) =>
            out.collect(`timer ${context.currentKey} ${timeMs}`),
        })
        .uid("timers")
        .sinkTo(rows.sink())
        .uid("rows-timers");
    };
    const rows = await rowsOfUpgrade(timed, timed, { first: at(p), second: at(q) });
    const timers = Array.from({ length: RECORDS }, (_, n) => JSON.stringify(`timer ${n} ${n * 10 + 1500}`));
    expect(rows).toEqual(sorted([...countRows("a"), ...timers]));
  });

  /** Keeps what it has seen in a list, a union list and a broadcast state; tells once what it got back. */
  class Remembering implements MapFunction<number, string>, CheckpointedFunction {
    private list!: ListState<number>;
    private union!: ListState<number>;
    private broadcast!: BroadcastState<string, number>;
    private restored: string | undefined;

    initializeState({ isRestored, operatorStateStore }: FunctionInitializationContext): void {
      this.list = operatorStateStore.getListState(listState<number>("list", t.int32));
      this.union = operatorStateStore.getUnionListState(listState<number>("union", t.int32));
      this.broadcast = operatorStateStore.getBroadcastState(mapState<string, number>("broadcast", t.string, t.int32));
      if (!isRestored) return;
      const [list, union] = [this.list.get(), [...this.union.get()].sort((a, b) => a - b)];
      this.restored = JSON.stringify({ list, union, broadcast: [...this.broadcast.entries()] });
      // Told once, and not again by those who are restored from here.
      this.union.clear();
    }

    snapshotState(): void {}

    map(n: number): string {
      this.list.add(n);
      this.union.add(n);
      this.broadcast.put("always", 7);
      const restored = this.restored;
      this.restored = undefined;
      return restored === undefined ? `n ${n}` : `restored ${restored}`;
    }
  }

  test.each(rescales)("list, union and broadcast state, %i to %i", async (p, q) => {
    const remembering: BuildJob = (env, rows) => {
      numbers(env).rebalance().map(new Remembering()).uid("remembering").sinkTo(rows.sink()).uid("rows");
    };
    const rows = (await rowsOfUpgrade(remembering, remembering, { first: at(p), second: at(q) })).map(
      (row) => JSON.parse(row) as string,
    );
    const seen = rows.filter((row) => row.startsWith("n ")).map((row) => Number(row.slice(2)));
    const restored = rows
      .filter((row) => row.startsWith("restored "))
      .map((row) => JSON.parse(row.slice(9)) as { list: number[]; union: number[]; broadcast: unknown[] });
    expect(restored).toHaveLength(q);
    const lists = restored.flatMap(({ list }) => list).sort((a, b) => a - b);
    expect(lists.length).toBeGreaterThan(50);
    expect(new Set(lists).size).toBe(lists.length);
    for (const n of lists) expect(seen).toContain(n);
    const sizes = restored.map(({ list }) => list.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(p === q ? RECORDS : 1);
    for (const { union, broadcast } of restored) {
      expect(union).toEqual(lists);
      expect(broadcast).toEqual([["always", 7]]);
    }
  });

  test("S44: a union list of subtasks whose input has ended is whole in a savepoint of the job that goes on", async () => {
    const platform = createSimulatedPlatform({ seed: 22 });
    const rows = new CommittedRows();
    const build: BuildJob = (env) => {
      env.fromSequence(1, 6).map(new Remembering()).uid("remembering").sinkTo(rows.sink()).uid("rows");
      numbers(env).sinkTo(rows.sink()).uid("numbers");
    };
    await platform.run(async () => {
      const client = await halfway(platform, { ...checkpointed, ...at(3) }, (env) => build(env, rows));
      const path = await client.triggerSavepoint("/savepoints");
      await client.cancel();
      const env = environmentOn(platform, { ...checkpointed, ...at(2), ...from(path) });
      build(env, rows);
      const { path: checked, operators } = await checkAgainst({
        path,
        graph: buildJobGraph(env.getTransformations(), graphOptionsOf(env.getConfig(), "job")),
        configuration: env.getConfig(),
        platform,
      });
      expect(checked).toBe(path);
      expect(operators.find(({ uid }) => uid === "remembering")).toMatchObject({
        verdict: "restored",
        parallelism: { from: 3, to: 2 },
      });
      await env.execute();
    }, 60_000);
    // The sequence is at its end in both, so nothing of it is read again, and the numbers are read once.
    expect(rows.rows.filter((row) => row.includes("n ")).length).toBe(6);
    expect(rows.rows.filter((row) => !row.includes("n "))).toHaveLength(RECORDS);
  });

  test("U06: a check says which states declare no type, so that nothing is compared", async () => {
    const platform = createSimulatedPlatform({ seed: 24 });
    const rows = new CommittedRows();
    const build: BuildJob = (env) => {
      const stream = numbers(env).keyBy((n) => n % KEYS);
      stream
        .process(new Last(t.int32, (n) => n))
        .uid("declared")
        .map(String)
        .sinkTo(rows.sink())
        .uid("a");
      stream
        .process(new Last(learnedType<number>(), (n) => n))
        .uid("learned")
        .map(String)
        .sinkTo(rows.sink())
        .uid("b");
    };
    await platform.run(async () => {
      const client = await halfway(platform, at(1), (env) => build(env, rows));
      const path = await client.stopWithSavepoint(false, "/savepoints");
      const env = environmentOn(platform, { ...at(1), ...from(path) });
      build(env, rows);
      const configuration = env.getConfig();
      const graph = buildJobGraph(env.getTransformations(), graphOptionsOf(configuration, "job"));
      const { operators } = await checkAgainst({ path, graph, configuration, platform });
      const stateOf = (uid: string): unknown => operators.find((each) => each.uid === uid)?.states[0];
      const same = { name: "last", kind: "value", verdict: "restored" };
      expect(stateOf("declared")).toMatchObject({ ...same, current: "int32", isUndeclared: false });
      expect(stateOf("learned")).toMatchObject({ ...same, current: undefined, isUndeclared: true });
    }, 60_000);
  });

  test.each([
    [1, 3],
    [3, 1],
  ])("S59: FLINK-29509: three pending committables of each subtask are committed once, %i to %i", async (p, q) => {
    const platform = createSimulatedPlatform({ seed: 23 });
    const rows = new CommittedRows();
    const build: BuildJob = (env) => {
      numbers(env).sinkTo(rows.sink()).uid("rows");
    };
    await platform.run(async () => {
      const client = await halfway(platform, at(p), (env) => build(env, rows));
      // Nothing is committed on a savepoint, so what belongs to each waits in the next.
      let path = "";
      for (let taken = 0; taken < 3; taken++) path = await client.triggerSavepoint("/savepoints");
      await client.cancel();
      expect(rows.commitCount).toBe(0);
      const env = environmentOn(platform, { ...at(q), ...from(path) });
      build(env, rows);
      await env.execute();
    }, 60_000);
    expect(sorted(rows.rows)).toEqual(sorted(Array.from({ length: RECORDS }, (_, n) => String(n))));
    expect(rows.commitCount).toBeGreaterThanOrEqual(2 * p + 1);
  });
});

/** Jobs that go on from a savepoint with other types, at another parallelism and, where there are several, on another backend. */
import { describe, expect, test } from "vitest";
import { checkAgainst, type RestoreCheck } from "../deployment/restore-check.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { graphOptionsOf } from "../graph/graph-options.ts";
import type { CheckpointedFunction, FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import type { BroadcastState } from "../state/operator-state.ts";
import { listState, mapState, reducingState, valueState } from "../state/state-descriptors.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import {
  at,
  checkpointed,
  environmentOn,
  from,
  halfway,
  KEYS,
  numbers,
  RECORDS,
  type Settings,
} from "../testing/upgrade-jobs.ts";
import { MAX_WATERMARK } from "../time/timestamps.ts";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";

/** A savepoint of each is restored in each: another backend is one more row. */
const backends: readonly { readonly name: string; readonly settings: Settings }[] = [
  { name: "hashmap", settings: { "state.backend.type": "hashmap" } },
  {
    name: "rocksdb",
    settings: { "state.backend.type": "rocksdb", "state.backend.rocksdb.object-cache.max-entries": "16" },
  },
];

const Euros = t.object({ euros: t.float64 });

/** The types of a job's states, and how it makes values of them. */
interface Version {
  readonly order: Type<unknown>;
  readonly sum: Type<unknown>;
  readonly count: Type<number>;
  readonly note: Type<unknown>;
  orderOf(n: number): unknown;
  sumOf(n: number): unknown;
  add(left: unknown, right: unknown): unknown;
}

const first: Version = {
  order: t.object({ n: t.int32, client: t.string, gone: t.boolean }) as Type<unknown>,
  sum: Euros as Type<unknown>,
  count: t.int32,
  note: learnedType<unknown>(),
  orderOf: (n) => ({ n, client: `c${n}`, gone: true }),
  sumOf: (n) => ({ euros: n / 100 }),
  add: (left, right) => ({ euros: (left as { euros: number }).euros + (right as { euros: number }).euros }),
};

const second: Version = {
  order: t.object({
    customer: t.renamed(t.string, "client"),
    n: t.int64,
    currency: t.defaulted(t.string, "EUR"),
    tip: t.optional(t.float64),
  }) as Type<unknown>,
  sum: t.migrated(t.object({ cents: t.int64 }), Euros, ({ euros }) => ({
    cents: Math.round(euros * 100),
  })) as Type<unknown>,
  count: t.int64,
  note: t.object({ last: t.int32, more: t.optional(t.string) }) as Type<unknown>,
  orderOf: (n) => ({ n, customer: `c${n}`, currency: "USD" }),
  sumOf: (n) => ({ cents: n }),
  add: (left, right) => ({ cents: (left as { cents: number }).cents + (right as { cents: number }).cents }),
};

/** Puts every number into states of every kind, and tells of them at the end. */
class Keeping implements KeyedProcessFunction<number, number, string>, CheckpointedFunction {
  private readonly version: Version;
  private value!: ValueState<unknown>;
  private seen!: ValueState<unknown>;
  private list!: ListState<unknown>;
  private map!: MapState<number, unknown>;
  private sum!: ReducingState<unknown>;
  private count!: ValueState<number>;
  private note!: ValueState<unknown>;
  private split!: ListState<unknown>;
  private broadcast!: BroadcastState<string, unknown>;

  constructor(version: Version) {
    this.version = version;
  }

  initializeState({ operatorStateStore }: FunctionInitializationContext): void {
    this.split = operatorStateStore.getListState(listState("split", this.version.order));
    this.broadcast = operatorStateStore.getBroadcastState(mapState("broadcast", t.string, this.version.order));
  }

  snapshotState(): void {}

  open(context: RuntimeContext): void {
    const { order, sum, count, note, add } = this.version;
    this.value = context.getState(valueState("value", order));
    this.seen = context.getState(valueState("seen", order).enableTimeToLive("1 h"));
    this.list = context.getListState(listState("list", order));
    this.map = context.getMapState(mapState("map", t.float64, order));
    this.sum = context.getReducingState(reducingState("sum", add, sum));
    this.count = context.getState(valueState("count", count));
    this.note = context.getState(valueState("note", note));
  }

  processElement(n: number, context: KeyedProcessContext<number>): void {
    const { orderOf, sumOf } = this.version;
    const order = orderOf(n);
    this.value.update(order);
    this.seen.update(order);
    this.list.add(order);
    this.map.put(n, order);
    this.sum.add(sumOf(n));
    this.count.update((this.count.value() ?? 0) + 1);
    this.note.update({ last: n });
    this.split.add(order);
    if (n < 20) this.broadcast.put("first", orderOf(0));
    context.timerService.registerEventTimeTimer(MAX_WATERMARK);
  }

  onTimer(_timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
    const keyed = [this.value.value(), this.seen.value(), this.list.get(), [...this.map.values()]];
    const kept = [this.sum.get(), this.count.value(), this.note.value()];
    const operator = [this.split.get(), [...this.broadcast.entries()]];
    out.collect(JSON.stringify([context.currentKey, ...keyed, ...kept, ...operator]));
  }
}

interface OrderRow {
  readonly customer: string;
  readonly n: number;
  readonly currency: string;
}
type Row = [
  number,
  OrderRow,
  OrderRow,
  OrderRow[],
  OrderRow[],
  unknown,
  number,
  unknown,
  OrderRow[],
  [string, OrderRow][],
];

const build = (env: StreamExecutionEnvironment, rows: CommittedRows, version: Version): void => {
  numbers(env)
    .keyBy((n) => n % KEYS)
    .process(new Keeping(version))
    .uid("keeping")
    .sinkTo(rows.sink())
    .uid("rows");
};

interface Upgrade {
  readonly rows: readonly Row[];
  readonly check: RestoreCheck;
}

/** Stops the first version with a savepoint, and runs the second one from there. */
async function upgrade(before: Settings, after: Settings, then: Version = second): Promise<Upgrade> {
  const platform = createSimulatedPlatform({ seed: 23 });
  const rows = new CommittedRows();
  let check: RestoreCheck | undefined;
  await platform.run(async () => {
    const client = await halfway(platform, { ...checkpointed, ...before }, (env) => build(env, rows, first));
    const path = await client.stopWithSavepoint(false, "/savepoints");
    const env = environmentOn(platform, { ...checkpointed, ...after, ...from(path) });
    build(env, rows, then);
    const configuration = env.getConfig();
    const graph = buildJobGraph(env.getTransformations(), graphOptionsOf(configuration, "job"));
    check = await checkAgainst({ path, graph, configuration, platform });
    if (check.refusal === undefined) await env.execute();
  }, 600_000);
  return { rows: rows.rows.map((row) => JSON.parse(JSON.parse(row) as string) as Row), check: check! };
}

const combinations = backends.flatMap((left) =>
  backends.flatMap((right) =>
    [
      [1, 3],
      [3, 2],
    ].map(([p, q]) => ({ left, right, p: p!, q: q! })),
  ),
);

describe("F18: other types on a restore", () => {
  test.each(combinations)(
    "F18: state of $left.name at parallelism $p goes on in $right.name at $q, with types that have grown",
    async ({ left, right, p, q }) => {
      const { rows, check } = await upgrade({ ...left.settings, ...at(p) }, { ...right.settings, ...at(q) });
      const { states } = check.operators.find(({ uid }) => uid === "keeping")!;
      const verdicts = Object.fromEntries(states.map(({ name, verdict }) => [name, verdict]));
      const migrated = { value: "migrated", seen: "migrated", list: "migrated", map: "migrated", sum: "migrated" };
      const others = { note: "migrated", split: "migrated", broadcast: "migrated", count: "reconfigured" };
      expect(verdicts).toMatchObject({ ...migrated, ...others });
      expect(rows.map(([key]) => key).sort()).toEqual([0, 1, 2, 3]);
      const everything = Array.from({ length: RECORDS }, (_, n) => n);
      const split = new Set<number>();
      for (const [key, value, seen, list, map, sum, count, note, part, broadcast] of rows) {
        const own = everything.filter((n) => n % KEYS === key);
        expect(list.map(({ n }) => n).sort((a, b) => a - b)).toEqual(own);
        expect(map).toEqual(list);
        for (const { n, customer } of list) expect(customer).toBe(`c${n}`);
        // What was written before the restore has the default.
        const old = list.filter(({ currency }) => currency === "EUR").length;
        expect(old).toBeGreaterThan(0);
        expect(list.map(({ currency }) => currency)).toEqual(list.map((_, index) => (index < old ? "EUR" : "USD")));
        expect(value).toEqual(list.at(-1));
        expect(seen).toEqual(value);
        expect(sum).toEqual({ cents: own.reduce((total, n) => total + n, 0) });
        expect(count).toBe(own.length);
        expect(note).toEqual({ last: list.at(-1)!.n });
        expect(broadcast).toEqual([["first", { customer: "c0", n: 0, currency: "EUR" }]]);
        for (const { n, customer } of part) {
          expect(customer).toBe(`c${n}`);
          split.add(n);
        }
      }
      expect(split.size).toBeGreaterThan(RECORDS / 4);
    },
  );

  test("F18: values that do not have the type declared later are found before the job is started, with their field", async () => {
    const numbersOnly = { ...second, note: t.object({ last: t.string }) as Type<unknown> };
    const { check } = await upgrade(at(2), at(1), numbersOnly);
    const { states, verdict } = check.operators.find(({ uid }) => uid === "keeping")!;
    expect(verdict).toBe("incompatible");
    const note = states.find(({ name }) => name === "note")!;
    expect(note.verdict).toBe("incompatible");
    expect(note.problem).toMatch(/^last \d+, read as string$/);
    expect(check.refusal).toMatchObject({ code: "MR_STATE_SCHEMA_INCOMPATIBLE" });
  });

  test("F18: a migration that fails ends the job at once, whatever the restart strategy", async () => {
    const platform = createSimulatedPlatform({ seed: 24 });
    await platform.run(async () => {
      const rows = new CommittedRows();
      const client = await halfway(platform, checkpointed, (env) => build(env, rows, first));
      const path = await client.stopWithSavepoint(false, "/savepoints");
      const failing = t.migrated(t.object({ cents: t.int64 }), Euros, ({ euros }) => ({ cents: euros }));
      const restarts = { "restart-strategy.type": "exponential-delay" };
      const env = environmentOn(platform, { ...checkpointed, ...restarts, ...from(path) });
      build(env, rows, { ...second, sum: failing as Type<unknown> });
      await expect(env.execute()).rejects.toThrow(/MR_STATE_MIGRATION_FAILED[\s\S]*state sum[\s\S]*cents/);
    }, 600_000);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import {
  aggregatingState,
  type KeyedStateDescriptor,
  listState,
  mapState,
  reducingState,
  type StateDescriptor,
  valueState,
} from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";
import { StateTtlConfig, type TtlStateVisibility, type TtlUpdateType } from "./state-ttl-config.ts";

const TTL_MS = 10;
const MAX_PARALLELISM = 128;

class TestClock {
  nowMs = 1000;

  wallMs(): number {
    return this.nowMs;
  }
}

function tableOf(clock: TestClock, blob?: Uint8Array): KeyedStateTable {
  const table = new KeyedStateTable({ operatorName: "totals", uid: "totals", clock }, MAX_PARALLELISM);
  if (blob !== undefined) table.restore(new RestoredKeyedState([blob], 0, MAX_PARALLELISM));
  return table;
}

function handle<S>(table: KeyedStateTable, descriptor: StateDescriptor): S {
  return createStateHandle(table, descriptor as unknown as KeyedStateDescriptor) as S;
}

const sum = (left: number, right: number): number => left + right;
const mean = {
  createAccumulator: () => ({ sum: 0, count: 0 }),
  add: (value: number, acc: { sum: number; count: number }) => ({ sum: acc.sum + value, count: acc.count + 1 }),
  getResult: (acc: { sum: number; count: number }) => acc.sum / acc.count,
};

interface Handles {
  readonly table: KeyedStateTable;
  readonly value: ValueState<number>;
  readonly list: ListState<number>;
  readonly map: MapState<string, number>;
  readonly reducing: ReducingState<number>;
  readonly aggregating: AggregatingState<number, number>;
}

function open(clock: TestClock, ttl: StateTtlConfig | undefined, blob?: Uint8Array): Handles {
  const table = tableOf(clock, blob);
  const living = <D extends StateDescriptor>(descriptor: D): D =>
    ttl === undefined ? descriptor : descriptor.enableTimeToLive(ttl);
  return {
    table,
    value: handle(table, living(valueState("value", t.float64))),
    list: handle(table, living(listState("list", t.float64))),
    map: handle(table, living(mapState("map", t.string, t.float64))),
    reducing: handle(table, living(reducingState("reducing", sum, t.float64))),
    aggregating: handle(table, living(aggregatingState("aggregating", mean))),
  };
}

/** The states of one key as a list of what was written when: the rules, without any state behind them. */
class Naive {
  value: { v: number; at: number } | undefined;
  list: { v: number; at: number }[] = [];
  readonly map = new Map<string, { v: number; at: number }>();
  reducing: { v: number; at: number } | undefined;
  readonly #clock: TestClock;
  readonly #updatesOnRead: boolean;

  constructor(clock: TestClock, updatesOnRead: boolean) {
    this.#clock = clock;
    this.#updatesOnRead = updatesOnRead;
  }

  read(stamped: { v: number; at: number } | undefined): number | undefined {
    if (stamped === undefined || stamped.at + TTL_MS <= this.#clock.nowMs) return undefined;
    if (this.#updatesOnRead) stamped.at = this.#clock.nowMs;
    return stamped.v;
  }

  stamp(v: number): { v: number; at: number } {
    return { v, at: this.#clock.nowMs };
  }

  fold(v: number): { v: number; at: number } {
    const { reducing } = this;
    const isLive = reducing !== undefined && reducing.at + TTL_MS > this.#clock.nowMs;
    return this.stamp(isLive ? reducing.v + v : v);
  }
}

const keys = ["a", "b", 7];
const steps = fc.array(
  fc.record({
    key: fc.constantFrom(...keys),
    what: fc.constantFrom("update", "add", "put", "reduce", "read", "read map entry", "clear", "wait", "snapshot"),
    n: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 60 },
);

function read(handles: Handles, key: unknown): unknown {
  handles.table.select(key);
  return {
    value: handles.value.value(),
    list: [...handles.list.get()],
    map: [...handles.map.entries()].sort(),
    reducing: handles.reducing.get(),
  };
}

function readNaive(naive: Naive): unknown {
  return {
    value: naive.read(naive.value),
    list: naive.list.map((each) => naive.read(each)).filter((v) => v !== undefined),
    map: [...naive.map]
      .map(([key, each]) => [key, naive.read(each)])
      .filter(([, v]) => v !== undefined)
      .sort(),
    reducing: naive.read(naive.reducing),
  };
}

describe("S27: state with a time to live", () => {
  test.each<{ updateType: TtlUpdateType; cleanup: "default" | "none" | "snapshots" }>([
    { updateType: "OnCreateAndWrite", cleanup: "default" },
    { updateType: "OnReadAndWrite", cleanup: "default" },
    { updateType: "OnCreateAndWrite", cleanup: "none" },
    { updateType: "OnReadAndWrite", cleanup: "snapshots" },
  ])("S27: values, elements and entries expire one by one, also over snapshots: %j", ({ updateType, cleanup }) => {
    fc.assert(
      fc.property(steps, (todo) => {
        const clock = new TestClock();
        const builder = StateTtlConfig.newBuilder(TTL_MS).setUpdateType(updateType);
        if (cleanup !== "default") builder.disableCleanupInBackground();
        if (cleanup === "snapshots") builder.cleanupFullSnapshot();
        const ttl = builder.build();
        let handles = open(clock, ttl);
        const naive = new Map(keys.map((key) => [key, new Naive(clock, updateType === "OnReadAndWrite")]));
        for (const { key, what, n } of todo) {
          const expected = naive.get(key)!;
          handles.table.select(key);
          if (what === "wait") clock.nowMs += n;
          if (what === "update") {
            handles.value.update(n);
            expected.value = expected.stamp(n);
          }
          if (what === "add") {
            handles.list.add(n);
            expected.list.push(expected.stamp(n));
          }
          if (what === "put") {
            handles.map.put(`k${n}`, n);
            expected.map.set(`k${n}`, expected.stamp(n));
          }
          if (what === "reduce") {
            expected.reducing = expected.fold(n);
            handles.reducing.add(n);
          }
          if (what === "read") expect(read(handles, key)).toEqual(readNaive(expected));
          if (what === "read map entry") {
            const isThere = expected.read(expected.map.get(`k${n}`)) !== undefined;
            expect(handles.map.contains(`k${n}`)).toBe(isThere);
          }
          if (what === "clear") {
            handles.value.clear();
            handles.list.clear();
            expected.value = undefined;
            expected.list = [];
          }
          if (what === "snapshot") handles = open(clock, ttl, handles.table.beginSnapshot().encode());
        }
        for (const key of keys) expect(read(handles, key)).toEqual(readNaive(naive.get(key)!));
        clock.nowMs += TTL_MS;
        for (const key of keys) read(handles, key);
        for (const key of keys) handles.table.select(key);
        handles.value.clear();
        expect([...handles.table.map.values()].length).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("a value lives for its time to live and not a millisecond longer", () => {
    const clock = new TestClock();
    const { table, value } = open(clock, StateTtlConfig.newBuilder(TTL_MS).build());
    table.select("a");
    value.update(1);
    clock.nowMs += TTL_MS - 1;
    expect(value.value()).toBe(1);
    clock.nowMs += 1;
    expect(value.value()).toBeUndefined();
  });

  test("an expired value may be returned once, until it is cleaned up, when the visibility says so", () => {
    const clock = new TestClock();
    const ttl = StateTtlConfig.newBuilder(TTL_MS).returnExpiredIfNotCleanedUp().disableCleanupInBackground().build();
    const { table, value, list, map, aggregating } = open(clock, ttl);
    table.select("a");
    value.update(1);
    list.addAll([1, 2]);
    map.putAll([["x", 1]]);
    aggregating.add(4);
    clock.nowMs += TTL_MS;
    expect([value.value(), value.value()]).toEqual([1, undefined]);
    expect([[...list.get()], [...list.get()]]).toEqual([[1, 2], []]);
    expect([map.isEmpty(), map.get("x"), map.get("x"), map.isEmpty()]).toEqual([false, 1, undefined, true]);
    expect([aggregating.get(), aggregating.get()]).toEqual([4, undefined]);
  });

  test("an aggregate starts anew when it has expired", () => {
    const clock = new TestClock();
    const { table, aggregating } = open(clock, StateTtlConfig.newBuilder(TTL_MS).build());
    table.select("a");
    aggregating.add(10);
    aggregating.add(20);
    expect(aggregating.get()).toBe(15);
    clock.nowMs += TTL_MS;
    aggregating.add(2);
    expect(aggregating.get()).toBe(2);
  });

  test("S27: cleanup: every access cleans some other keys up, unless that is switched off", () => {
    const remaining = (ttl: StateTtlConfig): number => {
      const clock = new TestClock();
      const table = tableOf(clock);
      const value = handle<ValueState<number>>(table, valueState("value", t.float64).enableTimeToLive(ttl));
      for (let key = 0; key < 100; key++) {
        table.select(key);
        value.update(key);
      }
      clock.nowMs += TTL_MS;
      for (let access = 0; access < 10; access++) {
        table.select("other");
        value.value();
      }
      return table.map.size;
    };
    expect(remaining(StateTtlConfig.newBuilder(TTL_MS).cleanupIncrementally(5).build())).toBeLessThanOrEqual(55);
    expect(remaining(StateTtlConfig.newBuilder(TTL_MS).cleanupIncrementally(20).build())).toBe(0);
    expect(remaining(StateTtlConfig.newBuilder(TTL_MS).disableCleanupInBackground().build())).toBe(100);
  });

  test("a clean-up while a snapshot is written does not change the snapshot", () => {
    const clock = new TestClock();
    const ttl = StateTtlConfig.newBuilder(TTL_MS).cleanupIncrementally(1000).returnExpiredIfNotCleanedUp().build();
    const { table, value } = open(clock, ttl);
    for (let key = 0; key < 50; key++) {
      table.select(key);
      value.update(key);
    }
    clock.nowMs += TTL_MS;
    const snapshot = table.beginSnapshot();
    table.select("other");
    value.value();
    expect(table.map.size).toBe(0);
    const restored = open(clock, ttl, snapshot.encode());
    expect(restored.table.map.size).toBe(50);
  });

  test("a full snapshot leaves expired values out when that is configured, and else holds them", () => {
    const sizeOf = (ttl: StateTtlConfig): number => {
      const clock = new TestClock();
      const { table, value, list, map } = open(clock, ttl);
      table.select("old");
      value.update(1);
      list.add(1);
      clock.nowMs += TTL_MS;
      table.select("new");
      value.update(2);
      map.put("x", 1);
      const restored = open(clock, StateTtlConfig.newBuilder(TTL_MS).build(), table.beginSnapshot().encode());
      return restored.table.map.size;
    };
    expect(sizeOf(StateTtlConfig.newBuilder(TTL_MS).disableCleanupInBackground().build())).toBe(2);
    expect(sizeOf(StateTtlConfig.newBuilder(TTL_MS).disableCleanupInBackground().cleanupFullSnapshot().build())).toBe(
      1,
    );
  });

  test("a time to live can be added to state that had none, and removed again: time starts at the restore", () => {
    const clock = new TestClock();
    const plain = open(clock, undefined);
    plain.table.select("a");
    plain.value.update(1);
    plain.list.addAll([1, 2]);
    plain.map.put("x", 1);
    plain.reducing.add(3);
    plain.aggregating.add(4);
    clock.nowMs += 1000;
    const ttl = StateTtlConfig.newBuilder(TTL_MS).build();
    const expiring = open(clock, ttl, plain.table.beginSnapshot().encode());
    clock.nowMs += TTL_MS - 1;
    expect(read(expiring, "a")).toEqual({ value: 1, list: [1, 2], map: [["x", 1]], reducing: 3 });
    const forEver = open(clock, undefined, expiring.table.beginSnapshot().encode());
    clock.nowMs += 1000;
    expect(read(forEver, "a")).toEqual({ value: 1, list: [1, 2], map: [["x", 1]], reducing: 3 });
    expect(forEver.aggregating.get()).toBe(4);
    expect(read(expiring, "a")).toEqual({ value: undefined, list: [], map: [], reducing: undefined });
  });

  test.each<TtlStateVisibility>(["NeverReturnExpired", "ReturnExpiredIfNotCleanedUp"])(
    "a list whose elements expire in part keeps the others, with %s",
    (visibility) => {
      const clock = new TestClock();
      const { table, list } = open(
        clock,
        StateTtlConfig.newBuilder(TTL_MS).setStateVisibility(visibility).disableCleanupInBackground().build(),
      );
      table.select("a");
      list.add(1);
      clock.nowMs += TTL_MS / 2;
      list.add(2);
      clock.nowMs += TTL_MS / 2;
      expect(list.get()).toEqual(visibility === "NeverReturnExpired" ? [2] : [1, 2]);
      clock.nowMs += TTL_MS;
      list.update([3]);
      expect(list.get()).toEqual([3]);
    },
  );
});

describe("StateTtlConfig", () => {
  test("has the defaults of Flink", () => {
    const ttl = StateTtlConfig.newBuilder("1 h").useProcessingTime().build();
    expect(ttl).toMatchObject({
      timeToLiveMs: 3_600_000,
      updateType: "OnCreateAndWrite",
      stateVisibility: "NeverReturnExpired",
      cleanup: { isFullSnapshot: false, incrementalSize: 5 },
      isEnabled: true,
    });
    expect(StateTtlConfig.newBuilder("1 h").updateTtlOnReadAndWrite().neverReturnExpired().build().updateType).toBe(
      "OnReadAndWrite",
    );
    expect(StateTtlConfig.newBuilder("1 h").updateTtlOnCreateAndWrite().setTimeToLive(5).build().timeToLiveMs).toBe(5);
  });

  test("a disabled one lets values live for ever", () => {
    expect(valueState("x").ttlConfig.isEnabled).toBe(false);
    expect(valueState("x").enableTimeToLive("1 s").ttlConfig.timeToLiveMs).toBe(1000);
    const disabled = StateTtlConfig.newBuilder("1 s").setUpdateType("Disabled").build();
    expect(valueState("x").enableTimeToLive(disabled).ttlConfig.isEnabled).toBe(false);
  });

  test("refuses what is no time to live", () => {
    expect(() => StateTtlConfig.newBuilder(0)).toThrow(/MR_STATE_TTL_INVALID/);
    expect(() => StateTtlConfig.newBuilder("1 h").cleanupIncrementally(0)).toThrow(/MR_STATE_TTL_INVALID/);
    expect(() => valueState("x").enableTimeToLive("-1 s")).toThrow(/MR_STATE_TTL_INVALID/);
  });
});

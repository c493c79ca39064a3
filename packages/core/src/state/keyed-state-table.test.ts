import fc from "fast-check";
import { expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import {
  aggregatingState,
  type KeyedStateDescriptor,
  listState,
  mapState,
  reducingState,
  valueState,
} from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";

const owner = { operatorName: "totals", uid: "totals" };
const MAX_PARALLELISM = 128;

interface States {
  readonly table: KeyedStateTable;
  readonly value: ValueState<unknown>;
  readonly list: ListState<unknown>;
  readonly map: MapState<unknown, unknown>;
}

function open(restored?: RestoredKeyedState, mapEntriesMax?: number): States {
  const table = new KeyedStateTable(owner, MAX_PARALLELISM, mapEntriesMax);
  if (restored !== undefined) table.restore(restored);
  return {
    table,
    value: createStateHandle(table, valueState("value", learnedType())) as ValueState<unknown>,
    list: createStateHandle(table, listState("list", learnedType())) as ListState<unknown>,
    map: createStateHandle(table, mapState("map", learnedType<string>(), learnedType())) as MapState<unknown, unknown>,
  };
}

function contents(states: States, keys: readonly unknown[]): unknown {
  return keys.map((key) => {
    states.table.select(key);
    return { key, value: states.value.value(), list: [...states.list.get()], map: [...states.map.entries()] };
  });
}

const keys = ["a", "b", 1, 2, -5, 7n, true, ["x", 1], { id: 4 }];

const operations = fc.array(
  fc.record({
    key: fc.constantFrom(...keys),
    what: fc.constantFrom("update", "change in place", "clear", "add", "put", "remove", "timer", "delete timer"),
    number: fc.integer({ min: 0, max: 5 }),
  }),
  { maxLength: 60 },
);

function apply(states: States, operation: { key: unknown; what: string; number: number }): void {
  const { table, value, list, map } = states;
  table.select(operation.key);
  const name = `k${operation.number}`;
  switch (operation.what) {
    case "update":
      value.update({ n: operation.number });
      return;
    case "change in place": {
      const live = value.value() as { n: number } | undefined;
      if (live === undefined) return;
      live.n += 100;
      value.update(live);
      return;
    }
    case "clear":
      value.clear();
      list.clear();
      return;
    case "add":
      list.add(operation.number);
      return;
    case "put":
      map.put(name, operation.number);
      return;
    case "remove":
      map.remove(name);
      return;
    case "timer":
      table.addTimer("event", operation.number);
      return;
    default:
      table.deleteTimer("event", operation.number);
  }
}

function firedTimers(table: KeyedStateTable): unknown[] {
  const fired: unknown[] = [];
  for (let timer = table.pollTimer("event", 100); timer !== undefined; timer = table.pollTimer("event", 100)) {
    fired.push([timer.timeMs, timer.entry.key]);
    table.removeIfEmpty(timer.entry);
  }
  return fired;
}

test("S23: a snapshot holds the contents at its barrier, whatever happens while it is written", () => {
  fc.assert(
    fc.property(operations, operations, fc.integer({ min: 1, max: 4 }), (before, during, sliceEntries) => {
      const states = open();
      for (const operation of before) apply(states, operation);
      const expected = structuredClone(contents(states, keys));
      const snapshot = states.table.beginSnapshot();
      for (const operation of during) {
        apply(states, operation);
        snapshot.step(sliceEntries);
      }
      const restored = open(new RestoredKeyedState([snapshot.encode()], 0, MAX_PARALLELISM));
      expect(contents(restored, keys)).toEqual(expected);

      const replayed = open();
      for (const operation of before) apply(replayed, operation);
      expect(firedTimers(restored.table)).toEqual(firedTimers(replayed.table));
    }),
    { numRuns: 200 },
  );
});

test("key groups are split among subtasks without loss and without overlap", () => {
  const states = open();
  for (let key = 0; key < 500; key++) {
    states.table.select(key);
    states.value.update(key * 2);
  }
  const blob = states.table.beginSnapshot().encode();
  const parts = [
    [0, 50],
    [50, 51],
    [51, 128],
  ].map(([start, end]) => open(new RestoredKeyedState([blob], start!, end!)));
  expect(parts.reduce((sum, part) => sum + part.table.map.size, 0)).toBe(500);
  const merged = open(
    new RestoredKeyedState(
      parts.map((part) => part.table.beginSnapshot().encode()),
      0,
      MAX_PARALLELISM,
    ),
  );
  for (let key = 0; key < 500; key++) {
    merged.table.select(key);
    expect(merged.value.value()).toBe(key * 2);
  }
});

test("an entry is gone when its last value and timer are gone", () => {
  const { table, value } = open();
  table.select("a");
  value.update(1);
  table.addTimer("event", 5);
  value.clear();
  expect(table.map.size).toBe(1);
  table.select("a");
  table.deleteTimer("event", 5);
  expect(table.map.size).toBe(0);
});

test("S23: reading the state of a key that has none creates nothing", () => {
  const { table, value, list, map } = open();
  table.select("a");
  expect([value.value(), list.get(), map.isEmpty()]).toEqual([undefined, [], true]);
  expect(table.map.size).toBe(0);
});

test("state that nobody registers after a restore is carried into the next checkpoint", () => {
  const states = open();
  states.table.select("a");
  states.list.add("kept");
  const first = states.table.beginSnapshot().encode();

  const forgetful = new KeyedStateTable(owner, MAX_PARALLELISM);
  forgetful.restore(new RestoredKeyedState([first], 0, MAX_PARALLELISM));
  createStateHandle(forgetful, valueState("value", learnedType()));
  const second = forgetful.beginSnapshot().encode();

  const again = open(new RestoredKeyedState([second], 0, MAX_PARALLELISM));
  again.table.select("a");
  expect(again.list.get()).toEqual(["kept"]);
});

test("more keys than one map holds are kept in several", () => {
  const states = open(undefined, 10);
  for (let key = 0; key < 35; key++) {
    states.table.select(key);
    states.value.update(`v${key}`);
  }
  expect(states.table.map.size).toBe(35);
  states.table.select(31);
  expect(states.value.value()).toBe("v31");
  states.value.clear();
  expect(states.table.map.size).toBe(34);
  const restored = open(new RestoredKeyedState([states.table.beginSnapshot().encode()], 0, MAX_PARALLELISM));
  expect(restored.table.map.size).toBe(34);
});

test("S28: timers of one time fire in the order of registration, before and after a restore", () => {
  const states = open();
  for (const key of ["c", "a", "b"]) {
    states.table.select(key);
    states.table.addTimer("event", 10);
    states.table.addTimer("event", 10);
  }
  const restored = open(new RestoredKeyedState([states.table.beginSnapshot().encode()], 0, MAX_PARALLELISM));
  const order = [
    [10, "c"],
    [10, "a"],
    [10, "b"],
  ];
  expect(firedTimers(states.table)).toEqual(order);
  expect(firedTimers(restored.table)).toEqual(order);
});

test("a key that is cleared and written again in its own timer keeps what was written", () => {
  const { table, value } = open();
  table.select("a");
  value.update(1);
  table.addTimer("event", 5);
  const timer = table.pollTimer("event", 5)!;
  value.clear();
  value.update(2);
  table.removeIfEmpty(timer.entry);
  table.select("a");
  expect(value.value()).toBe(2);
});

test("S23: reducing and aggregating states fold what is added, per key, and survive a snapshot", () => {
  const handles = (restored?: RestoredKeyedState) => {
    const table = new KeyedStateTable(owner, MAX_PARALLELISM);
    if (restored !== undefined) table.restore(restored);
    const highest = reducingState("highest", { reduce: (a: number, b: number) => Math.max(a, b) }, t.float64);
    const mean = aggregatingState("mean", {
      createAccumulator: () => ({ sum: 0, count: 0 }),
      add: (n: number, { sum, count }) => ({ sum: sum + n, count: count + 1 }),
      getResult: ({ sum, count }) => sum / count,
    });
    return {
      table,
      highest: createStateHandle(table, highest as unknown as KeyedStateDescriptor) as ReducingState<number>,
      mean: createStateHandle(table, mean as unknown as KeyedStateDescriptor) as AggregatingState<number, number>,
    };
  };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer())), (added) => {
      let states = handles();
      for (const [key, n] of added) {
        states.table.select(key);
        states.highest.add(n);
        states.mean.add(n);
        states = handles(new RestoredKeyedState([states.table.beginSnapshot().encode()], 0, MAX_PARALLELISM));
      }
      for (const key of ["a", "b"]) {
        const ofKey = added.filter(([each]) => each === key).map(([, n]) => n);
        states.table.select(key);
        expect(states.highest.get()).toBe(ofKey.length === 0 ? undefined : Math.max(...ofKey));
        expect(states.mean.get()).toBe(
          ofKey.length === 0 ? undefined : ofKey.reduce((sum, n) => sum + n, 0) / ofKey.length,
        );
        states.highest.clear();
        states.mean.clear();
      }
      expect(states.table.map.size).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test.each([
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [undefined, "undefined"],
  [new Date(5), "a Date"],
])("S28: a timer for %s, which is no time, is refused", (timeMs, found) => {
  const { table } = open();
  table.select("a");
  for (const domain of ["event", "processing"] as const) {
    expect(() => table.addTimer(domain, timeMs as number)).toThrow(
      expect.objectContaining({ code: "MR_TIMER_INVALID", message: expect.stringContaining(`Found: ${found}.`) }),
    );
  }
  table.addTimer("event", 7);
  expect(table.pollTimer("event", 7)?.timeMs).toBe(7);
});

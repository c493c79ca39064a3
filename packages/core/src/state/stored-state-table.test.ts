import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import { slotOf } from "./key-entry.ts";
import { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { ListState, MapState, ValueState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import { listState, mapState, valueState } from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";
import type { RunningKeyedSnapshot, SnapshotFormat, StoreSnapshot } from "./store-snapshot.ts";
import { copyOf, MAX_PARALLELISM, Machine, owner, restoredFrom, written } from "./testdata/stored-tables.ts";

interface States {
  readonly table: KeyedStateTable;
  readonly value: ValueState<unknown>;
  readonly list: ListState<unknown>;
  readonly map: MapState<unknown, unknown>;
}

function statesOf(table: KeyedStateTable, restored: RestoredKeyedState | undefined): States {
  if (restored !== undefined) table.restore(restored);
  return {
    table,
    value: createStateHandle(table, valueState("value", learnedType())) as ValueState<unknown>,
    list: createStateHandle(table, listState("list", t.int32)) as ListState<unknown>,
    map: createStateHandle(table, mapState("map", t.string, t.int32)) as MapState<unknown, unknown>,
  };
}

const keys = ["a", "b", "c", "d", 1, 2, -5, 7n, true, ["x", 1], { id: 4 }];

type Step =
  | { readonly kind: "change"; readonly key: unknown; readonly what: string; readonly number: number }
  | { readonly kind: "snapshot" | "slice" | "restore"; readonly key: unknown; readonly number: number };

const stepsOf = (
  among: readonly unknown[],
  whats: readonly string[],
  snapshotsWeight: number,
): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 20,
        arbitrary: fc.record({
          kind: fc.constant("change" as const),
          key: fc.constantFrom(...among),
          what: fc.constantFrom(...whats),
          number: fc.integer({ min: 0, max: 5 }),
        }),
      },
      {
        weight: snapshotsWeight,
        arbitrary: fc.record({
          kind: fc.constantFrom("snapshot" as const, "slice" as const, "slice" as const, "restore" as const),
          key: fc.constant(undefined),
          number: fc.integer({ min: 1, max: 4 }),
        }),
      },
    ),
    { maxLength: 120, size: "max" },
  );

const changes = ["update", "change", "clear", "add", "put", "remove", "timer", "delete timer", "fire", "read"];

/** One key that comes and goes meets a snapshot at every point of its life. */
const steps = fc.oneof(stepsOf(keys, changes, 5), stepsOf(keys.slice(0, 1), ["update", "clear", "read"], 10));

function apply({ table, value, list, map }: States, { key, what, number }: Step & { kind: "change" }): unknown {
  table.select(key);
  const name = `k${number}`;
  switch (what) {
    case "update":
      return value.update({ n: number });
    case "change": {
      const live = value.value() as { n: number } | undefined;
      if (live === undefined) return undefined;
      live.n += 100;
      return value.update(live);
    }
    case "clear":
      value.clear();
      return list.clear();
    case "add":
      return list.add(number);
    case "put":
      return map.put(name, number);
    case "remove":
      return map.remove(name);
    case "timer":
      return table.addTimer("event", number * 10);
    case "delete timer":
      return table.deleteTimer("event", number * 10);
    case "fire": {
      const fired: unknown[] = [];
      for (let timer = table.pollTimer("event", number * 10); timer; timer = table.pollTimer("event", number * 10)) {
        fired.push([timer.timeMs, timer.entry.key, structuredClone(value.value())]);
        table.removeIfEmpty(timer.entry);
      }
      return fired;
    }
    default:
      return [structuredClone(value.value()), [...list.get()], [...map.entries()]];
  }
}

function contents({ table, value, list, map }: States): unknown {
  return keys.map((key) => {
    table.select(key);
    return { key, value: structuredClone(value.value()), list: [...list.get()], map: [...map.entries()].sort() };
  });
}

interface Kind {
  readonly name: string;
  readonly cacheEntriesMax: number;
  readonly readsOnDemand: boolean;
}

const kinds: readonly Kind[] = [
  { name: "with a cache of one entry", cacheEntriesMax: 1, readsOnDemand: true },
  { name: "with a cache of four entries", cacheEntriesMax: 4, readsOnDemand: true },
  { name: "with a cache that is large enough", cacheEntriesMax: 1000, readsOnDemand: true },
  { name: "whose operator looks through the map", cacheEntriesMax: 4, readsOnDemand: false },
];

describe.each(kinds)("S30: a stored table $name", ({ cacheEntriesMax, readsOnDemand }) => {
  test("is what a table on the heap is, across snapshots and restores", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const machine = new Machine();
        let stored = statesOf(machine.table(cacheEntriesMax, readsOnDemand), undefined);
        let heap = statesOf(new KeyedStateTable(owner, MAX_PARALLELISM), undefined);
        let running: readonly [RunningKeyedSnapshot, RunningKeyedSnapshot] | undefined;
        const begin = (format: SnapshotFormat): readonly [RunningKeyedSnapshot, RunningKeyedSnapshot] => [
          stored.table.beginSnapshotAs(format),
          heap.table.beginSnapshot(),
        ];
        for (const step of all) {
          switch (step.kind) {
            case "change":
              expect(apply(stored, step)).toEqual(apply(heap, step));
              break;
            case "snapshot":
              running?.[0].discard?.();
              running = begin(step.number < 3 ? "NATIVE" : "CANONICAL");
              break;
            case "slice":
              running?.[0].step(step.number);
              break;
            default: {
              running ??= begin(step.number < 3 ? "NATIVE" : "CANONICAL");
              const [own, other] = running.map((each) => written(each));
              running = undefined;
              stored.table.close();
              // Either can go on from what the other has written for everybody.
              const isCrossed = own instanceof Uint8Array && step.number % 2 === 0;
              const heapTable = new KeyedStateTable(owner, MAX_PARALLELISM);
              const storedTable = machine.table(cacheEntriesMax, readsOnDemand);
              stored = statesOf(storedTable, restoredFrom(storedTable, isCrossed ? [other!] : [own!]));
              heap = statesOf(heapTable, restoredFrom(heapTable, isCrossed ? [own!] : [other!]));
            }
          }
        }
        expect(contents(stored)).toEqual(contents(heap));
        if (running !== undefined) machine.remove(written(running[0]));
        stored.table.close();
        expect(machine.disk.list("/state")).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

test("S30: a table keeps no more entries with values in memory than its cache has room for, whatever its timers", () => {
  const table = new Machine().table(100, true);
  const { value } = statesOf(table, undefined);
  for (let key = 0; key < 2000; key++) {
    table.select(key);
    value.update({ n: key });
    if (key % 4 === 0) table.addTimer("event", key);
    expect(table.traffic.cached).toBeLessThanOrEqual(101);
  }
  const withValues = [...table.map.values()].filter((entry) => slotOf(entry, 0) !== undefined);
  expect(withValues.length).toBeLessThanOrEqual(101);
  // Each key's state comes back, and each timer finds its key's.
  for (let key = 0; key < 2000; key++) {
    table.select(key);
    expect(value.value()).toEqual({ n: key });
  }
  const fired: unknown[] = [];
  for (let timer = table.pollTimer("event", 2000); timer !== undefined; timer = table.pollTimer("event", 2000)) {
    fired.push((value.value() as { n: number }).n);
  }
  expect(fired).toEqual(Array.from({ length: 500 }, (_, index) => index * 4));
});

test("S30: large values leave fewer of them in memory", () => {
  const table = new Machine().table(10_000, true, { cacheBytesMax: 1_000_000 });
  const { value } = statesOf(table, undefined);
  const text = "x".repeat(10_000);
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    value.update(text + key);
    // Until sizes are known there is a bound, too.
    expect(table.traffic.cached).toBeLessThanOrEqual(257);
  }
  expect(table.traffic.cached).toBeLessThanOrEqual(100);
  table.select(0);
  expect(value.value()).toBe(`${text}0`);
});

test("S30: state that is only read is not written, and what is changed in place is", () => {
  const table = new Machine().table(100, true);
  const { value, map } = statesOf(table, undefined);
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    value.update({ n: key });
    map.put("a", key);
  }
  table.beginSnapshot().writeAll();
  const { written: before } = table.traffic;
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    expect(value.value()).toEqual({ n: key });
    if (key % 100 === 7) (value.value() as { n: number }).n = -key;
    // Removed and put again is as it was, and has been written meanwhile.
    if (key === 50) {
      value.clear();
      map.clear();
      table.beginSnapshot().writeAll();
      table.select(key);
      value.update({ n: key });
      map.put("a", key);
    }
  }
  table.beginSnapshot().writeAll();
  // Ten changed; one removed and put again; those in memory at the first snapshot have not been read since they were written.
  expect(table.traffic.written - before).toBeLessThanOrEqual(10 + 2 + 100);
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    expect(value.value()).toEqual({ n: key % 100 === 7 ? -key : key });
    expect(map.get("a")).toBe(key);
  }
});

test("S30: hot keys are read and written once a checkpoint, however often they are used", () => {
  const table = new Machine().table(100, true);
  const { value } = statesOf(table, undefined);
  for (let record = 0; record < 10_000; record++) {
    table.select(record % 50);
    value.update({ n: record });
    if (record % 1000 === 999) table.beginSnapshot().writeAll();
  }
  expect(table.traffic).toMatchObject({ written: 10 * 50 });
  expect(table.traffic.read).toBeLessThanOrEqual(3 * 50);
});

test("S30: what is remembered of hot keys does not grow with the checkpoints", () => {
  const table = new Machine().table(2000, true);
  const { value } = statesOf(table, undefined);
  let most = 0;
  for (let checkpoint = 0; checkpoint < 100; checkpoint++) {
    for (let key = 0; key < 1000; key++) {
      table.select(key);
      value.update({ n: checkpoint });
    }
    table.beginSnapshot().writeAll();
    most = Math.max(most, table.traffic.listed);
  }
  expect(most).toBeLessThan(70_000);
});

test("S30: what comes and goes between two snapshots leaves nothing behind, in memory and in the store", () => {
  const table = new Machine().table(100, false);
  const { value } = statesOf(table, undefined);
  for (let key = 0; key < 200_000; key++) {
    table.select(`key-${key}`);
    value.update({ n: key });
    if (key === 99_999) table.beginSnapshot().writeAll();
    table.select(`key-${key}`);
    value.clear();
  }
  expect(table.map.size).toBe(0);
  const restored = new RestoredKeyedState([table.beginSnapshot().encode()], 0, MAX_PARALLELISM);
  const states = statesOf(new KeyedStateTable(owner, MAX_PARALLELISM), restored);
  expect(states.table.map.size).toBe(0);
});

test("S30: what is remembered of keys that are read and removed does not grow with them", () => {
  const table = new Machine().table(50, true, { rememberedMax: 100 });
  const { value } = statesOf(table, undefined);
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    value.update(key);
  }
  table.beginSnapshot().writeAll();
  const { written } = table.traffic;
  for (let key = 0; key < 1000; key++) {
    table.select(key);
    value.clear();
  }
  expect(table.traffic.written).toBeGreaterThan(written + 800);
  table.close();
});

test("S30: what was cleared before a snapshot and comes and goes while it is cut stays cleared", () => {
  const table = new Machine().table(100, true);
  const { value } = statesOf(table, undefined);
  const change = (next: { n: number } | undefined): void => {
    table.select("key");
    if (next === undefined) value.clear();
    else value.update(next);
  };
  change({ n: 1 });
  table.beginSnapshot().writeAll();
  change(undefined);
  const snapshot = table.beginSnapshot();
  change({ n: 2 });
  change(undefined);
  table.select("key");
  expect(value.value()).toBeUndefined();
  snapshot.writeAll();
  table.select("key");
  expect(value.value()).toBeUndefined();
  table.close();
});

test.each(["_timers", "default", "~l:list", "~u:default"])("S30: a state may be called %s", (name) => {
  const machine = new Machine();
  const opened = (table: KeyedStateTable, restored?: RestoredKeyedState): ValueState<unknown> => {
    if (restored !== undefined) table.restore(restored);
    return createStateHandle(table, valueState(name, learnedType())) as ValueState<unknown>;
  };
  const table = machine.table(100, true);
  const value = opened(table);
  table.select("a");
  value.update({ n: 1 });
  table.addTimer("event", 5);
  const canonical = written(table.beginSnapshotAs("CANONICAL"));
  const native = written(table.beginSnapshotAs("NATIVE"));
  for (const [again, from] of [
    [new KeyedStateTable(owner, MAX_PARALLELISM), canonical],
    [machine.table(100, true), canonical],
    [machine.table(100, false), native],
  ] as const) {
    const restored = opened(again, restoredFrom(again, [from]));
    expect(again.pollTimer("event", 5)?.entry.key).toBe("a");
    expect(restored.value()).toEqual({ n: 1 });
  }
});

test("S30: a table without keyed state opens no store; states that come later are in the next snapshot", () => {
  const machine = new Machine();
  const table = machine.table(100, true);
  for (const format of ["NATIVE", "CANONICAL"] as const) {
    const empty = written(table.beginSnapshotAs(format));
    expect(machine.disk.stat("/state")).toBeUndefined();
    expect(new RestoredKeyedState([empty as Uint8Array], 0, MAX_PARALLELISM).untakenStates()).toEqual([
      expect.objectContaining({ kind: "timers", groups: [] }),
    ]);
  }
  const { value } = statesOf(table, undefined);
  table.select("a");
  value.update({ n: 1 });
  const again = machine.table(100, true);
  const restored = statesOf(again, restoredFrom(again, [written(table.beginSnapshotAs("NATIVE"))]));
  again.select("a");
  expect(restored.value.value()).toEqual({ n: 1 });
});

test("keys of a state are found in memory and in the store", () => {
  const table = new Machine().table(10, true);
  const { value, list } = statesOf(table, undefined);
  for (let key = 0; key < 100; key++) {
    table.select(key);
    if (key % 2 === 0) value.update({ n: key });
    else list.add(key);
  }
  expect([...table.keysOf(0)].sort((left, right) => Number(left) - Number(right))).toEqual(
    Array.from({ length: 50 }, (_, index) => index * 2),
  );
});

describe.each([true, false])("S31: files of stores, reading on demand: %s", (readsOnDemand) => {
  const half = 50;
  const ranges = [
    [0, half],
    [half, MAX_PARALLELISM],
  ] as const;

  function filled(machine: Machine): States {
    const states = statesOf(machine.table(10, readsOnDemand), undefined);
    const { table, value, list, map } = states;
    for (let key = 0; key < 300; key++) {
      table.select(`key-${key}`);
      value.update({ n: key });
      if (key % 2 === 0) list.add(key);
      if (key % 3 === 0) map.put("own", key);
      if (key % 5 === 0) table.addTimer("event", key);
    }
    return states;
  }

  function all({ table, value, list, map }: States): unknown[] {
    const found: unknown[] = [];
    for (let key = 0; key < 300; key++) {
      table.select(`key-${key}`);
      if (value.value() !== undefined) found.push([key, value.value(), [...list.get()], [...map.entries()]]);
    }
    return found;
  }

  function timers({ table, value }: States): number[] {
    const fired: number[] = [];
    for (let timer = table.pollTimer("event", 1000); timer !== undefined; timer = table.pollTimer("event", 1000)) {
      expect(value.value()).toEqual({ n: timer.timeMs });
      fired.push(timer.timeMs);
    }
    return fired;
  }

  test("are dealt out by key group, to more subtasks and to less", () => {
    const machine = new Machine();
    const { table } = filled(machine);
    const expected = all(filled(machine));
    const first = written(table.beginSnapshotAs("NATIVE")) as StoreSnapshot;
    table.close();
    const copies = ranges.map((_, index) => copyOf(machine, first, `/copy-${index}`));
    const halves = ranges.map((range, index) => {
      const own = machine.table(10, readsOnDemand);
      return statesOf(own, restoredFrom(own, [copies[index]!], range));
    });
    const found = halves.map((states) => all(states));
    expect(found.map(({ length }) => length > 50)).toEqual([true, true]);
    expect(found.flat().sort(byFirst)).toEqual(expected);
    // Each has names of its own now.
    const stores = halves.map(({ table: own }) => written(own.beginSnapshotAs("NATIVE")) as StoreSnapshot);
    expect(new Set([first, ...stores].map(({ storeId }) => storeId)).size).toBe(3);
    const whole = machine.table(10, readsOnDemand);
    const together = statesOf(whole, restoredFrom(whole, stores, [0, MAX_PARALLELISM], ranges));
    expect(all(together)).toEqual(expected);
    expect(timers(together)).toEqual(Array.from({ length: 60 }, (_, index) => index * 5));
  });

  test("go on under the same names where they are taken as they are", () => {
    const machine = new Machine();
    const first = written(filled(machine).table.beginSnapshotAs("NATIVE")) as StoreSnapshot;
    const names = first.files.filter(({ isImmutable }) => isImmutable).map(({ name }) => name);
    const again = machine.table(10, readsOnDemand);
    const states = statesOf(again, restoredFrom(again, [first]));
    again.select("key-1");
    states.value.update({ n: -1 });
    const second = written(again.beginSnapshotAs(undefined)) as StoreSnapshot;
    expect(second.storeId).toBe(first.storeId);
    const added = second.files.filter(({ isImmutable, name }) => isImmutable && !names.includes(name));
    expect(added).toHaveLength(1);
    expect(added[0]!.sizeBytes).toBeLessThan(1000);
    expect(machine.disk.stat(first.directory)).toBeUndefined();
  });

  test("keep the states that nobody has registered, for the next restore and for other backends", () => {
    const machine = new Machine();
    const first = written(filled(machine).table.beginSnapshotAs("NATIVE"));
    const forgetful = machine.table(10, readsOnDemand);
    forgetful.restore(restoredFrom(forgetful, [first]));
    const value = createStateHandle(forgetful, valueState("value", learnedType())) as ValueState<unknown>;
    forgetful.select("key-0");
    value.update({ n: 1000 });
    const canonical = forgetful.beginSnapshot().encode();
    const second = written(forgetful.beginSnapshotAs("NATIVE"));
    for (const [table, from] of [
      [machine.table(10, readsOnDemand), second],
      [new KeyedStateTable(owner, MAX_PARALLELISM), canonical],
    ] as const) {
      const states = statesOf(table, restoredFrom(table, [from]));
      expect(all(states)[0]).toEqual([0, { n: 1000 }, [0], [["own", 0]]]);
      expect(all(states)).toHaveLength(300);
    }
  });
});

function byFirst(left: unknown, right: unknown): number {
  return (left as [number])[0] - (right as [number])[0];
}

test.each([{ isWritten: true }, { isWritten: false }])(
  "a snapshot that nobody has asked for goes with its table: written $isWritten",
  ({ isWritten }) => {
    const machine = new Machine();
    const { table, value } = statesOf(machine.table(16, true), undefined);
    table.select("a");
    value.update(1);
    const snapshot = table.beginSnapshotAs("NATIVE");
    while (isWritten && !snapshot.isWritten) snapshot.step(100);
    table.close();
    expect(machine.disk.list("/state")).toEqual([]);
  },
);

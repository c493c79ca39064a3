/** Large maps and lists of stored tables do what those on the heap do, whatever is in memory, written, restored or carried over. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";
import { slotOf } from "./key-entry.ts";
import type { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { ListState, MapState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import { PagedMap } from "./paged-map.ts";
import { listState, mapState } from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";
import type { RunningKeyedSnapshot, StoreSnapshot } from "./store-snapshot.ts";
import type { StoredStateTable } from "./stored-state-table.ts";
import { copyOf, MAX_PARALLELISM, Machine, owner, restoredFrom, written } from "./testdata/stored-tables.ts";

interface States {
  readonly table: KeyedStateTable;
  readonly list: ListState<unknown>;
  readonly map: MapState<MapKey, unknown>;
}

type MapKey = string | number;

interface Types {
  readonly key: Type<MapKey>;
  readonly value: Type<unknown>;
}

const learned: Types = { key: learnedType(), value: learnedType() };
const declared: Types = { key: t.string as Type<MapKey>, value: t.object({ n: t.int32 }) as Type<unknown> };

function statesOf(table: KeyedStateTable, restored: RestoredKeyedState | undefined, { key, value }: Types): States {
  if (restored !== undefined) table.restore(restored);
  return {
    table,
    list: createStateHandle(table, listState("list", value)) as ListState<unknown>,
    map: createStateHandle(table, mapState("map", key, value)) as MapState<MapKey, unknown>,
  };
}

const whats = [
  "put",
  "put many",
  "remove",
  "remove many",
  "get",
  "clear map",
  "go along",
  "remove along",
  "add",
  "add many",
  "update",
  "clear list",
  "read list",
] as const;

interface Step {
  readonly what: (typeof whats)[number] | "snapshot" | "slice" | "restore";
  readonly key: string;
  readonly number: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...whats) },
    { weight: 1, arbitrary: fc.constantFrom("snapshot" as const, "slice" as const, "restore" as const) },
  ),
  key: fc.constantFrom("a", "b"),
  number: fc.integer({ min: 0, max: 90 }),
});

const nameOf = (number: number): string => `k${number}`;
const made = (number: number): unknown => ({ n: number });

function byKey(left: readonly [unknown, unknown], right: readonly [unknown, unknown]): number {
  return String(left[0]) < String(right[0]) ? -1 : 1;
}

function apply({ table, list, map }: States, { what, key, number }: Step): unknown {
  table.select(key);
  const upTo = Math.min(number + 40, 100);
  switch (what) {
    case "put":
      return map.put(nameOf(number), made(number + 1000));
    case "put many":
      for (let at = number; at < upTo; at++) map.put(nameOf(at), made(at));
      return undefined;
    case "remove":
      return map.remove(nameOf(number));
    case "remove many":
      for (let at = number; at < upTo; at++) map.remove(nameOf(at));
      return undefined;
    case "get":
      return [map.get(nameOf(number)), map.contains(nameOf(number + 1)), map.isEmpty()];
    case "clear map":
      return map.clear();
    case "go along":
      return [[...map.entries()].sort(byKey), [...map.keys()].sort(), [...map.values()].length];
    case "remove along": {
      const seen: unknown[] = [];
      for (const [name, value] of map.entries()) {
        seen.push([name, value]);
        if (number % 3 > 0 || (value as { n: number }).n % 2 === 0) map.remove(name);
      }
      return (seen as [unknown, unknown][]).sort(byKey);
    }
    case "add":
      return list.add(made(number));
    case "add many":
      return list.addAll(Array.from({ length: 30 }, (_, index) => made(number + index)));
    case "update":
      return list.update(Array.from({ length: number }, (_, index) => made(index)));
    case "clear list":
      return list.clear();
    default:
      return structuredClone(list.get());
  }
}

function contents({ table, list, map }: States): unknown {
  return ["a", "b"].map((key) => {
    table.select(key);
    return { list: [...list.get()], map: [...map.entries()].sort(byKey), isEmpty: map.isEmpty() };
  });
}

describe.each([
  ["of declared types", declared],
  ["of learned types", learned],
])("S30: large maps and lists %s", (_name, types) => {
  // MILLRACE_PAGED_RUNS=400 for more of them.
  test.each([
    [4, 1, true],
    [4, 40, true],
    [20, 1000, true],
    [4, 40, false],
  ])(
    "are what they are on the heap: whole up to %d entries, %d in memory, reading on demand: %s",
    (whole, held, onDemand) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60, size: "max" }), (all) => {
          const machine = new Machine(whole);
          let stored = statesOf(machine.table(held, onDemand), undefined, types);
          let heap = statesOf(new KeyedStateTable(owner, MAX_PARALLELISM), undefined, types);
          let running: readonly [RunningKeyedSnapshot, RunningKeyedSnapshot] | undefined;
          for (const each of all) {
            if (each.what === "slice") running?.[0].step(1);
            else if (each.what === "snapshot" || each.what === "restore") {
              if (each.what === "snapshot" || running === undefined) {
                running?.[0].discard?.();
                const format = each.number % 2 === 0 ? "NATIVE" : "CANONICAL";
                running = [stored.table.beginSnapshotAs(format), heap.table.beginSnapshot()];
              }
              if (each.what === "snapshot") continue;
              const [own, other] = running.map((snapshot) => written(snapshot));
              running = undefined;
              stored.table.close();
              const isCrossed = own instanceof Uint8Array && each.number % 3 === 0;
              const heapTable = new KeyedStateTable(owner, MAX_PARALLELISM);
              // What an operator that looks through the map has written is for the others, too.
              const storedTable = machine.table(held, onDemand || each.number % 4 < 2);
              stored = statesOf(storedTable, restoredFrom(storedTable, isCrossed ? [other!] : [own!]), types);
              heap = statesOf(heapTable, restoredFrom(heapTable, isCrossed ? [own!] : [other!]), types);
            } else expect(apply(stored, each)).toEqual(apply(heap, each));
          }
          expect(contents(stored)).toEqual(contents(heap));
          if (running !== undefined) machine.remove(written(running[0]));
          stored.table.close();
          expect(machine.disk.list("/state")).toEqual([]);
        }),
        { numRuns: Number(process.env["MILLRACE_PAGED_RUNS"] ?? 6) },
      );
    },
  );
});

/** 5,000 map entries and list elements of one key. */
function filled(table: StoredStateTable): States {
  const states = statesOf(table, undefined, declared);
  table.select("a");
  for (let number = 0; number < 5000; number++) {
    states.map.put(nameOf(number), made(number));
    states.list.add(made(number));
  }
  return states;
}

describe("S30: a map and a list of 5,000 entries of one key", () => {
  test("are in memory to the size of the cache, whatever is done with them", () => {
    const { table, map, list } = filled(new Machine().table(200, true));
    const stored = table as StoredStateTable;
    for (let number = 0; number < 5000; number += 50) {
      expect(map.get(nameOf(number))).toEqual(made(number));
      expect(map.contains(nameOf(number + 5000))).toBe(false);
      expect(stored.traffic.held).toBeLessThanOrEqual(201);
    }
    expect([...map.keys()]).toHaveLength(5000);
    expect(list.get()).toHaveLength(5000);
    list.add(made(-1));
    expect(stored.traffic.held).toBeLessThanOrEqual(201);
  });

  test("are written as far as they have changed", () => {
    const machine = new Machine();
    const { table, map, list } = filled(machine.table(10_000, true));
    const first = written(table.beginSnapshotAs("NATIVE")) as StoreSnapshot;
    table.select("a");
    map.put("own", made(1));
    map.remove(nameOf(7));
    list.add(made(2));
    const names = new Set(first.files.map(({ name }) => name));
    const second = written(table.beginSnapshotAs("NATIVE")) as StoreSnapshot;
    const added = second.files.filter(({ name, isImmutable }) => isImmutable && !names.has(name));
    expect(added.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThan(400);
    machine.remove(first);
    const again = machine.table(100, true);
    const restored = statesOf(again, restoredFrom(again, [second]), declared);
    again.select("a");
    expect([restored.map.get("own"), restored.map.get(nameOf(7)), [...restored.map.keys()].length]).toEqual([
      made(1),
      undefined,
      5000,
    ]);
    expect(restored.list.get().slice(-2)).toEqual([made(4999), made(2)]);
  });

  test("leave nothing behind when they are cleared, or emptied one by one", () => {
    const machine = new Machine();
    const { table, map, list } = filled(machine.table(100, true));
    written(table.beginSnapshotAs("NATIVE"));
    table.select("a");
    list.clear();
    for (const name of map.keys()) map.remove(name);
    expect(map.isEmpty()).toBe(true);
    expect(table.map.size).toBe(0);
    const { directory } = written(table.beginSnapshotAs("NATIVE")) as StoreSnapshot;
    expect(machine.stores.open(directory, []).property("entries")).toBe(0);
  });

  test("are taken over from whole ones, and by an operator that looks through the map", () => {
    const machine = new Machine();
    // As it was written before there were rows.
    const old = statesOf(machine.table(100, true, { wholeEntriesMax: Number.POSITIVE_INFINITY }), undefined, declared);
    old.table.select("a");
    for (let number = 0; number < 300; number++) old.map.put(nameOf(number), made(number));
    const whole = written(old.table.beginSnapshotAs("NATIVE"));
    const table = machine.table(100, true);
    const rows = statesOf(table, restoredFrom(table, [whole]), declared);
    table.select("a");
    rows.map.put("own", made(1));
    expect(slotOf(table.current!, 1)).toBeInstanceOf(PagedMap);
    const looking = machine.table(100, false);
    const all = statesOf(looking, restoredFrom(looking, [written(table.beginSnapshotAs("NATIVE"))]), declared);
    looking.select("a");
    expect([...all.map.keys()]).toHaveLength(301);
    all.map.put("another", made(2));
    const last = machine.table(100, true);
    const states = statesOf(last, restoredFrom(last, [written(looking.beginSnapshotAs("NATIVE"))]), declared);
    last.select("a");
    expect([...states.map.keys()]).toHaveLength(302);
  });
});

test("S33: rows are migrated when the declaration of their map or list has changed, keys included", () => {
  const machine = new Machine();
  const statesIn = (table: KeyedStateTable, key: Type<MapKey>, value: Type<unknown>) =>
    statesOf(table, undefined, { key, value });
  const old = statesIn(machine.table(50, true), t.int32 as Type<MapKey>, t.object({ n: t.int32 }) as Type<unknown>);
  for (const key of ["a", "b"]) {
    old.table.select(key);
    for (let number = 0; number < 500; number++) {
      old.map.put(number, { n: number });
      old.list.add({ n: number });
    }
  }
  const evolved = t.object({ n: t.float64, more: t.defaulted(t.string, "none") }) as Type<unknown>;
  const native = written(old.table.beginSnapshotAs("NATIVE"));
  for (const readsOnDemand of [true, false]) {
    const table = machine.table(50, readsOnDemand);
    table.restore(restoredFrom(table, [copyOf(machine, native, `/copy-${readsOnDemand}`)]));
    const states = statesIn(table, t.float64 as Type<MapKey>, evolved);
    table.select("b");
    expect([...states.map.entries()].sort((left, right) => Number(left[0]) - Number(right[0]))).toEqual(
      Array.from({ length: 500 }, (_, n) => [n, { n, more: "none" }]),
    );
    expect(states.map.get(499)).toEqual({ n: 499, more: "none" });
    expect(states.list.get()).toEqual(Array.from({ length: 500 }, (_, n) => ({ n, more: "none" })));
    states.map.clear();
    expect(states.map.isEmpty()).toBe(true);
  }
});

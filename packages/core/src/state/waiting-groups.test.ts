/** Tables that read restored values on demand are as tables that read all of them at once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";
import { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { ListState, ValueState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import { type KeyedStateDescriptor, listState, valueState } from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";

/** Few, so that keys share them. */
const MAX_PARALLELISM = 3;
const KEYS = ["a", "b", 1, 2, -5, 7n, true, ["x", 1], { id: 4 }];

class States {
  readonly table: KeyedStateTable;
  readonly value: ValueState<unknown>;
  readonly #learned: Type<unknown> = learnedType();
  #list: ListState<unknown> | undefined;

  constructor(readsOnDemand: boolean, blob?: Uint8Array) {
    this.table = new KeyedStateTable({ operatorName: "totals", uid: "totals" }, MAX_PARALLELISM);
    this.table.readsOnDemand = readsOnDemand;
    if (blob !== undefined) this.table.restore(new RestoredKeyedState([blob], 0, MAX_PARALLELISM));
    this.value = this.#handle(valueState("value", this.#learned)) as ValueState<unknown>;
  }

  /** Registered when somebody asks for it: a state may come late. */
  get list(): ListState<unknown> {
    this.#list ??= this.#handle(listState("list", this.#learned)) as ListState<unknown>;
    return this.#list;
  }

  #handle(descriptor: unknown): unknown {
    return createStateHandle(this.table, descriptor as KeyedStateDescriptor);
  }
}

const OPERATIONS = [
  "update",
  "clear",
  "read",
  "add",
  "timer",
  "delete timer",
  "fire",
  "restore",
  "begin",
  "step",
] as const;

const operations = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    what: fc.constantFrom(...OPERATIONS),
    number: fc.integer({ min: 0, max: 5 }),
  }),
  { maxLength: 80 },
);

interface Operation {
  readonly key: unknown;
  readonly what: (typeof OPERATIONS)[number];
  readonly number: number;
}

/** A life of states over restores. What it has seen is all that matters. */
class Life {
  readonly seen: unknown[] = [];
  readonly #readsOnDemand: boolean;
  #states: States;
  #snapshot: ReturnType<KeyedStateTable["beginSnapshot"]> | undefined;

  constructor(readsOnDemand: boolean) {
    this.#readsOnDemand = readsOnDemand;
    this.#states = new States(readsOnDemand);
  }

  apply({ key, what, number }: Operation): void {
    const { table, value } = this.#states;
    if (what === "begin") {
      this.#snapshot = table.beginSnapshot();
    } else if (what === "step") {
      this.#snapshot?.step(number);
    } else if (what === "restore") {
      // What was begun before, with all that has happened since, or what there is now.
      this.#states = new States(this.#readsOnDemand, (this.#snapshot ?? table.beginSnapshot()).encode());
      this.#snapshot = undefined;
    } else if (what === "fire") {
      for (
        let timer = table.pollTimer("event", number);
        timer !== undefined;
        timer = table.pollTimer("event", number)
      ) {
        this.seen.push([timer.timeMs, timer.entry.key, value.value()]);
        table.removeIfEmpty(timer.entry);
      }
    } else {
      table.select(key);
      this.#change(what, number);
    }
  }

  #change(what: "update" | "clear" | "read" | "add" | "timer" | "delete timer", number: number): void {
    const { table, value } = this.#states;
    switch (what) {
      case "update":
        value.update({ n: number });
        return;
      case "clear":
        value.clear();
        return;
      case "add":
        this.#states.list.add(number);
        return;
      case "timer":
        table.addTimer("event", number);
        return;
      case "delete timer":
        table.deleteTimer("event", number);
        return;
      default:
        this.seen.push(structuredClone(value.value()));
    }
  }

  contents(): unknown {
    const { table, value, list } = this.#states;
    return KEYS.map((key) => {
      table.select(key);
      return { key, value: value.value(), list: [...list.get()] };
    });
  }
}

test("S23: values that are read on demand are those that are read at once, over any snapshots, restores and late states", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const onDemand = new Life(true);
      const atOnce = new Life(false);
      for (const step of steps) {
        onDemand.apply(step);
        atOnce.apply(step);
      }
      expect(onDemand.seen).toEqual(atOnce.seen);
      expect(onDemand.contents()).toEqual(atOnce.contents());
      // Again, of what is in the next snapshot.
      const restore: Operation = { key: 1, what: "restore", number: 0 };
      onDemand.apply(restore);
      atOnce.apply(restore);
      expect(onDemand.contents()).toEqual(atOnce.contents());
    }),
    { numRuns: 500 },
  );
});

function filled(keyCount: number): States {
  const states = new States(true);
  for (let key = 0; key < keyCount; key++) {
    states.table.select(key);
    states.value.update(`value ${key}`);
  }
  return states;
}

test("S23: a restore reads nothing before it is asked for, then the key group of the key, and a snapshot holds the rest as it was", () => {
  const blob = filled(300).table.beginSnapshot().encode();
  const { table, value } = new States(true, blob);
  expect(table.map.size).toBe(0);
  expect(table.beginSnapshot().encode()).toEqual(blob);
  table.select(5);
  expect(value.value()).toBe("value 5");
  const inGroup = table.map.size;
  expect(inGroup).toBeGreaterThan(50);
  expect(inGroup).toBeLessThan(200);
  const again = new States(true, table.beginSnapshot().encode());
  for (let key = 0; key < 300; key++) {
    again.table.select(key);
    expect(again.value.value()).toBe(`value ${key}`);
  }
  expect(again.table.mayWait).toBe(false);
});

test("all that waits can be read at once", () => {
  const { table } = new States(true, filled(300).table.beginSnapshot().encode());
  table.readAll();
  expect([table.map.size, table.mayWait]).toEqual([300, false]);
});

test("what is to be migrated is read when its state is registered, so that a value that does not fit fails the restore", () => {
  const old = new KeyedStateTable({ operatorName: "totals", uid: "totals" }, MAX_PARALLELISM);
  const before = createStateHandle(old, valueState("n", t.int32) as KeyedStateDescriptor) as ValueState<number>;
  for (let key = 0; key < 20; key++) {
    old.select(key);
    before.update(key);
  }
  const table = new KeyedStateTable({ operatorName: "totals", uid: "totals" }, MAX_PARALLELISM);
  table.readsOnDemand = true;
  table.restore(new RestoredKeyedState([old.beginSnapshot().encode()], 0, MAX_PARALLELISM));
  const after = createStateHandle(table, valueState("n", t.float64) as KeyedStateDescriptor) as ValueState<number>;
  expect(table.map.size).toBe(20);
  table.select(7);
  expect(after.value()).toBe(7);
});

test("MR_KEY_INVALID: a key that is none is named as such while values wait", () => {
  const { table } = new States(true, filled(10).table.beginSnapshot().encode());
  expect(() => table.select(Number.NaN)).toThrow("MR_KEY_INVALID");
});

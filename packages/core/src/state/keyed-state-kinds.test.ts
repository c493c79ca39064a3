/** Value, list and map state do what a plain Map of plain values does, key by key, whatever is restored between two calls. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";
import { RestoredKeyedState } from "./keyed-snapshot-format.ts";
import type { ListState, MapState, ValueState } from "./keyed-state.ts";
import { KeyedStateTable } from "./keyed-state-table.ts";
import { type KeyedStateDescriptor, listState, mapState, valueState } from "./state-descriptors.ts";
import { createStateHandle } from "./state-handles.ts";

const MAX_PARALLELISM = 128;
const KEYS = ["a", 1, ["x", 2]] as const;

interface Opened<S> {
  readonly table: KeyedStateTable;
  readonly state: S;
}

function opened<S>(descriptor: unknown, restored?: RestoredKeyedState): Opened<S> {
  const table = new KeyedStateTable({ operatorName: "kinds", uid: "kinds" }, MAX_PARALLELISM);
  if (restored !== undefined) table.restore(restored);
  return { table, state: createStateHandle(table, descriptor as KeyedStateDescriptor) as S };
}

/** What one call does to the state, and to what a plain program keeps; `undefined` stands for no state. */
interface Call<S, M> {
  readonly toState: (state: S) => void;
  readonly toModel: (model: M | undefined) => M | undefined;
}

/** Makes the calls, each for a key, in the state and in the model; restores after each where `restores` says so. */
function expectAsModel<S, M>(
  descriptor: unknown,
  calls: fc.Arbitrary<Call<S, M>>,
  seen: (state: S) => unknown,
  expected: (model: M | undefined) => unknown,
): void {
  const step = fc.record({ key: fc.constantFrom(...KEYS), call: calls, restores: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let now = opened<S>(descriptor);
      const models = new Map<unknown, M | undefined>();
      for (const { key, call, restores } of steps) {
        now.table.select(key);
        call.toState(now.state);
        models.set(key, call.toModel(models.get(key)));
        if (restores) {
          const bytes = now.table.beginSnapshot().encode();
          now = opened<S>(descriptor, new RestoredKeyedState([bytes], 0, MAX_PARALLELISM));
        }
        for (const each of KEYS) {
          now.table.select(each);
          expect(seen(now.state)).toEqual(expected(models.get(each)));
        }
      }
      const living = KEYS.filter((key) => models.get(key) !== undefined);
      expect(now.table.map.size).toBe(living.length);
    }),
    { numRuns: 60 },
  );
}

const small = fc.integer({ min: 0, max: 4 });
const clear = { toState: (state: { clear(): void }) => state.clear(), toModel: () => undefined };

describe.each<[string, Type<number>]>([
  ["declared", t.int32],
  ["learned", learnedType<number>()],
])("S23: kinds of keyed state, values of a %s type", (_name, type) => {
  test("S23: value state has the last value of its key", () => {
    const calls: fc.Arbitrary<Call<ValueState<number>, number>> = fc.oneof(
      small.map((n) => ({ toState: (state: ValueState<number>) => state.update(n), toModel: () => n })),
      fc.constant(clear),
    );
    expectAsModel(
      valueState("value", type),
      calls,
      (state) => state.value(),
      (model) => model,
    );
  });

  test("S23: list state has the elements of its key in the order they were added", () => {
    const elements = fc.array(small, { maxLength: 3 });
    // An empty list is no list.
    const kept = (list: number[]): number[] | undefined => (list.length === 0 ? undefined : list);
    const calls: fc.Arbitrary<Call<ListState<number>, number[]>> = fc.oneof(
      small.map((n) => ({
        toState: (state: ListState<number>) => state.add(n),
        toModel: (model: number[] | undefined) => [...(model ?? []), n],
      })),
      elements.map((all) => ({
        toState: (state: ListState<number>) => state.addAll(all),
        toModel: (model: number[] | undefined) => kept([...(model ?? []), ...all]),
      })),
      elements.map((all) => ({ toState: (state: ListState<number>) => state.update(all), toModel: () => kept(all) })),
      fc.constant(clear),
    );
    expectAsModel(
      listState("list", type),
      calls,
      (state) => [...state.get()],
      (model) => model ?? [],
    );
  });

  test("S23: map state has the entries of its key, each put, replaced and removed by itself", () => {
    type Model = ReadonlyMap<string, number>;
    const kept = (map: Model): Model | undefined => (map.size === 0 ? undefined : map);
    const name = fc.constantFrom("p", "q", "r");
    const entries = fc.array(fc.tuple(name, small), { maxLength: 3 });
    const calls: fc.Arbitrary<Call<MapState<string, number>, Model>> = fc.oneof(
      fc.tuple(name, small).map(([at, n]) => ({
        toState: (state: MapState<string, number>) => state.put(at, n),
        toModel: (model: Model | undefined) => new Map([...(model ?? []), [at, n]]),
      })),
      entries.map((all) => ({
        toState: (state: MapState<string, number>) => state.putAll(all),
        toModel: (model: Model | undefined) => kept(new Map([...(model ?? []), ...all])),
      })),
      name.map((at) => ({
        toState: (state: MapState<string, number>) => state.remove(at),
        toModel: (model: Model | undefined) => kept(new Map([...(model ?? [])].filter(([each]) => each !== at))),
      })),
      fc.constant(clear),
    );
    expectAsModel(
      mapState("map", t.string, type),
      calls,
      (state) => ({
        entries: [...state.entries()].sort(),
        keys: [...state.keys()].sort(),
        values: [...state.values()].sort(),
        isEmpty: state.isEmpty(),
        p: [state.contains("p"), state.get("p")],
      }),
      (model) => ({
        entries: [...(model ?? [])].sort(),
        keys: [...(model?.keys() ?? [])].sort(),
        values: [...(model?.values() ?? [])].sort(),
        isEmpty: model === undefined,
        p: [model?.has("p") ?? false, model?.get("p")],
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Accumulator, AnyAccumulator } from "./accumulator.ts";
import { AccumulatorRegistry } from "./accumulator-registry.ts";
import { AccumulatorResults } from "./accumulator-results.ts";
import { AverageAccumulator } from "./average-accumulator.ts";
import { IntCounter, LongCounter } from "./counters.ts";
import { HistogramAccumulator } from "./histogram-accumulator.ts";
import { ListAccumulator } from "./list-accumulator.ts";
import { type MergedAccumulator, mergeAccumulators } from "./merged-accumulators.ts";

/** The longest text; its rule is a field that is no data. */
class Longest implements Accumulator<string, { readonly text: string; readonly seen: Date }> {
  readonly isBetter = (text: string): boolean => text.length > this.text.length;
  private text = "";
  private seen = new Date(0);

  add(text: string): void {
    if (this.isBetter(text)) this.text = text;
    this.seen = new Date(this.seen.getTime() + 1);
  }

  getLocalValue(): { readonly text: string; readonly seen: Date } {
    return { text: this.text, seen: this.seen };
  }

  resetLocal(): void {
    this.text = "";
    this.seen = new Date(0);
  }

  merge(other: Longest): void {
    const seenMs = this.seen.getTime() + other.seen.getTime();
    this.add(other.text);
    this.seen = new Date(seenMs);
  }

  clone(): Longest {
    const copy = new Longest();
    copy.text = this.text;
    copy.seen = this.seen;
    return copy;
  }
}

function registry(accumulators: Readonly<Record<string, unknown>>): AccumulatorRegistry {
  const created = new AccumulatorRegistry();
  for (const [name, accumulator] of Object.entries(accumulators))
    created.add(name, accumulator as AnyAccumulator, "test");
  return created;
}

/** Merges slot after slot, through bytes that share nothing, as between threads. */
function mergedOver(slots: readonly (readonly AccumulatorRegistry[])[]): AccumulatorResults {
  let merged: readonly MergedAccumulator[] = [];
  for (const slot of slots) merged = mergeAccumulators(structuredClone(merged), slot);
  return AccumulatorResults.of(merged);
}

const texts = fc.array(fc.string({ maxLength: 6 }), { maxLength: 5 });

describe("F31: accumulators of many slots", () => {
  test("have the result of one accumulator, however the subtasks lie in slots; user classes too", () => {
    const slots = fc.array(fc.array(texts, { maxLength: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(slots, (added) => {
        const all = added.flat(2);
        const registries = added.map((subtasks) =>
          subtasks.map((own) => {
            const counter = new LongCounter();
            const average = new AverageAccumulator();
            const lengths = new HistogramAccumulator();
            const list = new ListAccumulator<string>();
            const longest = new Longest();
            for (const text of own) {
              counter.add(text.length);
              average.add(text.length);
              lengths.add(text.length);
              list.add(text);
              longest.add(text);
            }
            return registry({ counter, average, lengths, list, longest });
          }),
        );
        const results = mergedOver(registries);
        if (registries.every((subtasks) => subtasks.length === 0)) {
          expect(results.all().size).toBe(0);
          return;
        }
        const total = all.reduce((sum, text) => sum + text.length, 0);
        expect(results.get("counter")).toBe(total);
        expect(results.get("average")).toBe(all.length === 0 ? 0 : total / all.length);
        expect(results.get("list")).toEqual(all);
        const lengths = results.get("lengths") as Map<number, number>;
        expect([...lengths.keys()]).toEqual([...lengths.keys()].sort((a, b) => a - b));
        expect([...lengths.values()].reduce((sum, n) => sum + n, 0)).toBe(all.length);
        const { text, seen } = results.get("longest") as { readonly text: string; readonly seen: Date };
        expect(text.length).toBe(Math.max(0, ...all.map((each) => each.length)));
        expect(seen.getTime()).toBe(all.length);
      }),
    );
  });

  test("A1: are merged again and again without being changed", () => {
    const counter = new IntCounter();
    const list = new ListAccumulator<number>();
    const subtasks = [registry({ counter, list }), registry({ counter: new IntCounter(3), list })];
    for (let turn = 1; turn <= 3; turn++) {
      counter.add(1);
      list.add(turn);
      const results = mergedOver([subtasks]);
      expect(results.get("counter")).toBe(turn + 3);
      expect((results.get("list") as number[]).length).toBe(2 * turn);
    }
  });

  test("go through slots that have none of their name", () => {
    const slots = [
      [registry({ a: new IntCounter(1) })],
      [],
      [registry({ b: new IntCounter(2) })],
      [new AccumulatorRegistry()],
    ];
    expect([...mergedOver(slots).all()]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(mergedOver(slots).get("c")).toBeUndefined();
  });

  test.each([
    ["of one slot", (a: AccumulatorRegistry, b: AccumulatorRegistry) => [[a, b]]],
    ["of two slots", (a: AccumulatorRegistry, b: AccumulatorRegistry) => [[a], [b]]],
    ["of two slots, and a third", (a: AccumulatorRegistry, b: AccumulatorRegistry) => [[a], [b], [a]]],
  ])("A2: of one name and two classes cannot be merged, %s; the others can", (_name, slotsOf) => {
    const results = mergedOver(
      slotsOf(
        registry({ n: new IntCounter(1), other: new IntCounter(1) }),
        registry({ n: new LongCounter(1), other: new IntCounter(1) }),
      ),
    );
    expect(() => results.get("n")).toThrow(/MR_ACCUMULATOR_CONFLICT.*cannot be merged.*IntCounter.*LongCounter/s);
    expect(results.get("other")).toBeGreaterThan(1);
    expect(() => results.all()).toThrow("MR_ACCUMULATOR_CONFLICT");
  });

  test("A2: whose methods throw have an error for their result, with the cause", () => {
    class Broken extends Longest {
      override getLocalValue(): never {
        throw new RangeError("no value today");
      }
      override clone(): Broken {
        return new Broken();
      }
    }
    const results = mergedOver([[registry({ broken: new Broken(), n: new IntCounter(4) })]]);
    expect(() => results.get("broken")).toThrow(/MR_ACCUMULATOR_FAILED.*no value today.*Broken/s);
    expect(results.get("n")).toBe(4);
  });

  test("A3: whose value is an instance of a class have an error, in one slot as well", () => {
    class Money {
      readonly cents = 5;
    }
    class Purse extends Longest {
      override getLocalValue(): never {
        return new Money() as never;
      }
      override clone(): Purse {
        return new Purse();
      }
    }
    expect(() => mergedOver([[registry({ purse: new Purse() })]]).get("purse")).toThrow("MR_ACCUMULATOR_FAILED");
  });

  test("A3: that know more than their fields have an error instead of a wrong result", () => {
    const closure = (count: number): Accumulator<number, number> => ({
      add: (value) => {
        count += value;
      },
      getLocalValue: () => count,
      resetLocal: () => {
        count = 0;
      },
      merge: (other) => {
        count += other.getLocalValue();
      },
      clone: () => closure(count),
    });
    const results = mergedOver([[registry({ hidden: closure(3) })]]);
    expect(() => results.get("hidden")).toThrow(/MR_ACCUMULATOR_FAILED.*its fields do not hold all/s);
  });
});

describe("F31: the accumulators of a task", () => {
  test("are made on demand, once for each name, and refuse another class", () => {
    const own = new AccumulatorRegistry();
    const counter = own.getOrAdd("n", IntCounter, "op");
    counter.add(2);
    expect(own.getOrAdd("n", IntCounter, "op")).toBe(counter);
    expect(own.get("n")).toBe(counter);
    expect(own.get("m")).toBeUndefined();
    expect(() => own.getOrAdd("n", LongCounter, "op")).toThrow(/MR_ACCUMULATOR_CONFLICT.*operator op/s);
  });

  test("have names of their own", () => {
    const own = registry({ n: new IntCounter() });
    expect(() => own.add("n", new IntCounter() as unknown as AnyAccumulator, "op")).toThrow("MR_ACCUMULATOR_EXISTS");
  });

  test("are accumulators", () => {
    class Private extends Longest {
      #secret = 0;
      override add(): void {
        this.#secret++;
      }
      reveal(): number {
        return this.#secret;
      }
    }
    const wrong: readonly [string, unknown][] = [
      ["n", undefined],
      ["n", null],
      ["n", 5],
      ["n", { add: () => {} }],
      ["", new IntCounter()],
      ["n", new Private()],
    ];
    for (const [name, accumulator] of wrong) {
      const own = new AccumulatorRegistry();
      expect(() => own.add(name, accumulator as AnyAccumulator, "op")).toThrow("MR_ACCUMULATOR_INVALID");
    }
  });

  test("of a job that has lost them have no result", () => {
    const results = AccumulatorResults.lost(new Error("gone"));
    expect(() => results.get("n")).toThrow("gone");
    expect(() => results.all()).toThrow("gone");
    expect(AccumulatorResults.none.get("n")).toBeUndefined();
  });
});

import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { JobExecutionResult } from "../../api/job-execution-result.ts";
import type { RuntimeContext } from "../functions.ts";
import type { Accumulator } from "./accumulator.ts";
import { AverageAccumulator } from "./average-accumulator.ts";
import { DoubleCounter, IntCounter, LongCounter } from "./counters.ts";
import { DoubleMaximum, DoubleMinimum, IntMaximum, IntMinimum, LongMaximum, LongMinimum } from "./extremes.ts";
import { HistogramAccumulator } from "./histogram-accumulator.ts";
import { ListAccumulator } from "./list-accumulator.ts";

interface Kind {
  readonly name: string;
  readonly create: () => Accumulator<number, unknown>;
  /** What the result of all values is. */
  readonly expected: (values: readonly number[]) => unknown;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function countsOf(values: readonly number[]): Map<number, number> {
  const ascending = values.toSorted((left, right) => left - right);
  return new Map(ascending.map((value) => [value, values.filter((each) => each === value).length]));
}

// Sums of small integers are exact, whatever the order.
const kinds: readonly Kind[] = [
  { name: "IntCounter", create: () => new IntCounter(), expected: sum },
  { name: "LongCounter", create: () => new LongCounter(), expected: sum },
  { name: "DoubleCounter", create: () => new DoubleCounter(), expected: sum },
  { name: "IntMinimum", create: () => new IntMinimum(), expected: (all) => Math.min(2 ** 31 - 1, ...all) },
  { name: "IntMaximum", create: () => new IntMaximum(), expected: (all) => Math.max(-(2 ** 31), ...all) },
  { name: "LongMinimum", create: () => new LongMinimum(), expected: (all) => Math.min(2 ** 53 - 1, ...all) },
  { name: "LongMaximum", create: () => new LongMaximum(), expected: (all) => Math.max(1 - 2 ** 53, ...all) },
  { name: "DoubleMinimum", create: () => new DoubleMinimum(), expected: (all) => Math.min(...all) },
  { name: "DoubleMaximum", create: () => new DoubleMaximum(), expected: (all) => Math.max(...all) },
  {
    name: "AverageAccumulator",
    create: () => new AverageAccumulator(),
    expected: (all) => (all.length === 0 ? 0 : sum(all) / all.length),
  },
  { name: "HistogramAccumulator", create: () => new HistogramAccumulator(), expected: countsOf },
];

const values = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 12 });

function holding(kind: Pick<Kind, "create">, added: readonly number[]): Accumulator<number, unknown> {
  const accumulator = kind.create();
  for (const value of added) accumulator.add(value);
  return accumulator;
}

function mergeOf(
  left: Accumulator<number, unknown>,
  right: Accumulator<number, unknown>,
): Accumulator<number, unknown> {
  const merged = left.clone();
  merged.merge(right.clone());
  return merged;
}

describe.each(kinds)("F31: the accumulator $name", (kind) => {
  const of = (added: readonly number[]): Accumulator<number, unknown> => holding(kind, added);

  test("has the value of all that was added, also of nothing", () => {
    fc.assert(
      fc.property(values, (all) => {
        expect(of(all).getLocalValue()).toEqual(kind.expected(all));
      }),
    );
  });

  test("merges to what one accumulator of everything has, in whatever order and grouping", () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const expected = kind.expected([...a, ...b, ...c]);
        expect(mergeOf(mergeOf(of(a), of(b)), of(c)).getLocalValue()).toEqual(expected);
        expect(mergeOf(of(a), mergeOf(of(b), of(c))).getLocalValue()).toEqual(expected);
        expect(mergeOf(mergeOf(of(c), of(a)), of(b)).getLocalValue()).toEqual(expected);
      }),
    );
  });

  test("is as new after resetLocal, and shares nothing with its clones", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const original = of(a);
        const copy = original.clone();
        for (const value of b) copy.add(value);
        expect(original.getLocalValue()).toEqual(kind.expected(a));
        expect(copy.getLocalValue()).toEqual(kind.expected([...a, ...b]));
        copy.resetLocal();
        expect(copy.getLocalValue()).toEqual(kind.expected([]));
        expect(original.getLocalValue()).toEqual(kind.expected(a));
      }),
    );
  });
});

test("F31: a list accumulator has the values of one subtask in order, those of the next behind them", () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const left = new ListAccumulator<number>();
      const right = new ListAccumulator<number>();
      for (const value of a) left.add(value);
      for (const value of b) right.add(value);
      const merged = left.clone();
      merged.merge(right);
      expect(merged.getLocalValue()).toEqual([...a, ...b]);
      expect(left.getLocalValue()).toEqual(a);
      merged.resetLocal();
      expect([merged.getLocalValue(), right.getLocalValue()]).toEqual([[], b]);
    }),
  );
});

test("F31: accumulators are typed: what is added, what comes out, and what is none does not compile", () => {
  const typed = (context: RuntimeContext): void => {
    expectTypeOf(context.getIntCounter("n")).toEqualTypeOf<IntCounter>();
    expectTypeOf(context.getHistogram("n").getLocalValue()).toEqualTypeOf<ReadonlyMap<number, number>>();
    expectTypeOf(context.getAccumulator<string, string[]>("n")).toEqualTypeOf<
      Accumulator<string, string[]> | undefined
    >();
    context.addAccumulator("n", new ListAccumulator<string>());
    // @ts-expect-error has no getLocalValue, resetLocal, merge and clone
    context.addAccumulator("n", { add: (_n: number) => {} });
    // @ts-expect-error a counter adds numbers
    context.getLongCounter("n").add("1");
  };
  const resulting = (result: JobExecutionResult): void => {
    expectTypeOf(result.getAccumulatorResult<number>("n")).toEqualTypeOf<number | undefined>();
    expectTypeOf(result.getAccumulatorResult("n")).toEqualTypeOf<unknown>();
    expectTypeOf(result.getAllAccumulatorResults()).toEqualTypeOf<ReadonlyMap<string, unknown>>();
  };
  expect([typeof typed, typeof resulting]).toEqual(["function", "function"]);
});

test("a histogram's result is in ascending order", () => {
  const histogram = holding({ create: () => new HistogramAccumulator() }, [10, 9, 2, 10]);
  expect([...(histogram.getLocalValue() as Map<number, number>)]).toEqual([
    [2, 1],
    [9, 1],
    [10, 2],
  ]);
});

test("counters begin where they are told to", () => {
  const counters = [new IntCounter(5), new LongCounter(2 ** 40), new DoubleCounter(0.5)];
  for (const counter of counters) counter.add(1);
  expect(counters.map((counter) => counter.getLocalValue())).toEqual([6, 2 ** 40 + 1, 1.5]);
});

test.each<[string, () => void]>([
  ["a fraction in an IntCounter", () => new IntCounter().add(1.5)],
  ["a sum of more than 32 bits in an IntCounter", () => new IntCounter(2 ** 31 - 1).add(1)],
  ["a sum that is not safe in a LongCounter", () => new LongCounter(Number.MAX_SAFE_INTEGER).add(1)],
  ["NaN in a LongCounter", () => new LongCounter().add(Number.NaN)],
  ["a beginning that is no integer", () => new IntCounter(0.1)],
  ["a large integer in an IntMinimum", () => new IntMinimum().add(2 ** 31)],
  ["a fraction in an IntMaximum", () => new IntMaximum().add(0.5)],
  ["a fraction in a LongMinimum", () => new LongMinimum().add(0.5)],
  ["Infinity in a LongMaximum", () => new LongMaximum().add(Number.POSITIVE_INFINITY)],
])("%s is refused where it is added", (_name, add) => {
  expect(add).toThrow("MR_ACCUMULATOR_VALUE_INVALID");
});

test("a counter that refused a number is as before", () => {
  const counter = new IntCounter(2 ** 31 - 2);
  expect(() => counter.add(2)).toThrow("2147483648");
  counter.add(1);
  expect(counter.getLocalValue()).toBe(2 ** 31 - 1);
});

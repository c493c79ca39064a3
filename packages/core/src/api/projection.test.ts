import { describe, expect, expectTypeOf, test } from "vitest";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import { projectionOf } from "./projection.ts";

const call = { method: "project", callSite: "job.ts:1:1" };

interface Order {
  readonly user: string;
  readonly price: number;
  readonly note?: string;
}

const env = StreamExecutionEnvironment.getExecutionEnvironment();
const orders = env.fromData<Order>([
  { user: "ada", price: 3, note: "gift" },
  { user: "bob", price: 4 },
]);

describe("S14: project", () => {
  test("S14: chooses fields of objects by name, and leaves out what a record does not have", async () => {
    const projected = orders.project("price", "note");
    expectTypeOf(projected).toEqualTypeOf<SingleOutputStreamOperator<Pick<Order, "price" | "note">>>();
    expect(await projected.executeAndCollect().toArray()).toEqual([{ price: 3, note: "gift" }, { price: 4 }]);
  });

  test("S14: chooses positions of tuples, in any order and more than once", async () => {
    const projected = env.fromData<[string, number, boolean]>([["a", 1, true]]).project(2, 0, 2);
    expectTypeOf(projected).toEqualTypeOf<SingleOutputStreamOperator<[boolean, string, boolean]>>();
    expect(await projected.executeAndCollect().toArray()).toEqual([[true, "a", true]]);
  });

  test("S14: a field called __proto__ is a field", () => {
    const record = JSON.parse('{"__proto__": 1, "n": 2}') as unknown;
    expect(JSON.stringify(projectionOf(call, ["n", "__proto__"])(record))).toBe('{"n":2,"__proto__":1}');
    expect(projectionOf(call, ["n", "toString"])({ n: 1 })).toEqual({ n: 1 });
  });

  test.each([
    [["price"], 7, "an object"],
    [[0], { n: 1 }, "a tuple"],
    [[2], [1, 2], "position 2"],
  ])("S14: fields %j of %j fail the job with the place", (fields, record, expected) => {
    expect(() => projectionOf(call, fields)(record)).toThrow(
      expect.objectContaining({ code: "MR_FIELD_INVALID", message: expect.stringContaining(expected) }),
    );
  });

  test("S14: fields that no record has are refused by the compiler and while the pipeline is built", () => {
    // What is built here is never run.
    const other = StreamExecutionEnvironment.getExecutionEnvironment();
    const others = other.fromData<Order>([]);
    // @ts-expect-error orders have no size
    others.project("size");
    // @ts-expect-error a tuple of two has no third position
    other.fromData<[string, number]>([["a", 1]]).project(2);
    // @ts-expect-error nothing would be left
    expect(() => others.project()).toThrow("MR_ARGUMENT_INVALID");
    const untyped = (value: unknown): never => value as never;
    for (const field of [-1, 1.5, "", undefined]) expect(() => others.project(untyped(field))).toThrow("MR_ARGUMENT");
  });
});

describe("S06: rolling aggregates", () => {
  const rows = [
    { key: "k", n: 5, tag: "first" },
    { key: "k", n: 3, tag: "second" },
    { key: "k", n: 3, tag: "third" },
    { key: "k", n: 9, tag: "fourth" },
    { key: "k", n: 9, tag: "fifth" },
  ];
  const keyed = env.fromData(rows).keyBy((row) => row.key);
  const tagged = (stream: SingleOutputStreamOperator<(typeof rows)[number]>): Promise<readonly string[]> =>
    stream
      .uid("rolling")
      .map((row) => `${row.n} ${row.tag}`)
      .executeAndCollect()
      .toArray();

  test("S06: sum, min and max keep the other fields of the key's first record", async () => {
    expect(await tagged(keyed.sum("n"))).toEqual(["5 first", "8 first", "11 first", "20 first", "29 first"]);
    expect(await tagged(keyed.min("n"))).toEqual(["5 first", "3 first", "3 first", "3 first", "3 first"]);
    expect(await tagged(keyed.max("n"))).toEqual(["5 first", "5 first", "5 first", "9 first", "9 first"]);
  });

  test("S06: minBy and maxBy emit the whole record, of equal ones the first, or the last when `first` is false", async () => {
    expect(await tagged(keyed.minBy("n"))).toEqual(["5 first", "3 second", "3 second", "3 second", "3 second"]);
    expect(await tagged(keyed.minBy("n", false))).toEqual(["5 first", "3 second", "3 third", "3 third", "3 third"]);
    expect(await tagged(keyed.maxBy("n"))).toEqual(["5 first", "5 first", "5 first", "9 fourth", "9 fourth"]);
    expect(await tagged(keyed.maxBy("n", false))).toEqual(["5 first", "5 first", "5 first", "9 fourth", "9 fifth"]);
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeOperatorLists, encodeOperatorLists, type ListMode, redistributeLists } from "./operator-lists.ts";

const element = (value: number): Uint8Array => new Uint8Array([value]);
const list = (name: string, mode: ListMode, ...values: number[]) => ({ name, mode, elements: values.map(element) });
const valuesOf = (dealt: ReturnType<typeof redistributeLists>, name: string): number[][] =>
  dealt.map((lists) => lists.get(name)!.map(([value]) => value!));

test("lists are read back as they were written, empty ones and empty elements too", () => {
  const lists = [
    list("split", "split", 1, 2),
    { name: "none", mode: "union" as const, elements: [] },
    { name: "empty element", mode: "broadcast" as const, elements: [new Uint8Array(), new Uint8Array(300)] },
  ];
  const bytes = { kind: "bytes" as const };
  expect(decodeOperatorLists(encodeOperatorLists(lists))).toEqual(lists.map((list) => ({ ...list, schema: bytes })));
  const typed = [{ name: "typed", mode: "union" as const, schema: { kind: "int64" as const }, elements: [] }];
  expect(decodeOperatorLists(encodeOperatorLists(typed))).toEqual(typed);
  expect(decodeOperatorLists(encodeOperatorLists([]))).toEqual([]);
  expect(() => decodeOperatorLists(encodeOperatorLists(lists).subarray(1))).toThrow("MR_DATA_CORRUPT");
});

test("at equal parallelism every subtask gets its own split list back", () => {
  const old = [[list("s", "split", 1, 2, 3)], [list("s", "split")], [list("s", "split", 4)]];
  expect(valuesOf(redistributeLists(old, 3), "s")).toEqual([[1, 2, 3], [], [4]]);
});

test("S24: at another parallelism split lists are dealt round robin, union lists go whole to everybody, broadcast lists once", () => {
  const old = [0, 10].map((base) => [
    list("s", "split", base + 1, base + 2, base + 3),
    list("u", "union", base + 1),
    list("b", "broadcast", 7, 8),
  ]);
  const dealt = redistributeLists(old, 4);
  expect(valuesOf(dealt, "s")).toEqual([[1, 12], [2, 13], [3], [11]]);
  expect(valuesOf(dealt, "u")).toEqual(Array(4).fill([1, 11]));
  expect(valuesOf(dealt, "b")).toEqual(Array(4).fill([7, 8]));
});

test("rescaling there and back neither loses nor doubles an element, and the shares differ by at most one", () => {
  const perSubtask = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(perSubtask, fc.integer({ min: 1, max: 7 }), (counts, parallelism) => {
      let next = 0;
      const values = counts.map((count) => Array.from({ length: count }, () => next++));
      const old = values.map((each) => [list("s", "split", ...each), list("t", "split", ...each)]);
      const dealt = redistributeLists(old, parallelism);
      for (const name of ["s", "t"]) {
        const shares = valuesOf(dealt, name);
        expect(shares.flat().sort((a, b) => a - b)).toEqual(values.flat());
        const sizes = shares.map((share) => share.length);
        if (parallelism !== counts.length) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const back = redistributeLists(
          shares.map((share) => [list(name, "split", ...share)]),
          counts.length,
        );
        expect(
          valuesOf(back, name)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual(values.flat());
      }
    }),
  );
});

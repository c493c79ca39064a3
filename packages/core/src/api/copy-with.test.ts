import fc from "fast-check";
import { expect, test } from "vitest";
import { copierWith } from "./copy-with.ts";

const names = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.constantFrom("f", "a", "1", "__proto__", "toString", '"', "a-b"),
);
// Entries, so that "__proto__" becomes a field and the order is kept.
const records = fc
  .array(fc.tuple(names, fc.integer()), { maxLength: 5 })
  .map((entries) => Object.fromEntries([...entries, ["f", 0]]) as Record<string, unknown>);

test("a copy is what a spread gives, whatever the names, the order and the mix of shapes", () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 12 }), fc.integer(), (given, value) => {
      const copy = copierWith("f");
      for (const record of [...given, ...given]) {
        const before = Object.entries(record);
        const copied = copy(record, value);
        expect(Object.entries(copied)).toEqual(Object.entries({ ...record, ["f"]: value }));
        expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
        expect(Object.entries(record)).toEqual(before);
        expect(copied).not.toBe(record);
      }
    }),
  );
});

test("a field with the name of a function on every object keeps its value", () => {
  const copy = copierWith("n");
  for (let round = 0; round < 3; round++) {
    expect(copy({ n: 1, toString: 5 }, 2)).toEqual({ n: 2, toString: 5 });
    expect(copy({ n: 1 }, 2)).toEqual({ n: 2 });
  }
});

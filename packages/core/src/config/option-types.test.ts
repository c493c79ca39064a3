import fc from "fast-check";
import { expect, test } from "vitest";
import { allOptions } from "./all-options.ts";
import {
  booleanType,
  doubleType,
  durationType,
  enumType,
  intType,
  listType,
  mapType,
  memorySizeType,
  type OptionType,
  stringType,
} from "./option-types.ts";
import { describeRaw } from "./parsed.ts";

function read<T>(type: OptionType<T>, raw: unknown): T | "refused" {
  const result = type.parse(raw);
  return result.ok ? result.value : "refused";
}

test("a duration is milliseconds, a number with a unit, or ISO-8601", () => {
  const cases: readonly (readonly [unknown, number])[] = [
    [250, 250],
    ["250", 250],
    ["10 s", 10_000],
    ["10s", 10_000],
    [" 10 min ", 600_000],
    ["1 minute", 60_000],
    ["2 m", 120_000],
    ["1.5 h", 5_400_000],
    ["0.001 s", 1],
    ["1 D", 86_400_000],
    ["PT10S", 10_000],
    ["PT0.25S", 250],
    ["P1DT2H3M4S", 93_784_000],
  ];
  for (const [raw, ms] of cases) expect(read(durationType(), raw), String(raw)).toBe(ms);
});

test("a duration with an unknown unit, a sign, or a part of a millisecond is refused", () => {
  const bad = [
    "10 parsecs",
    "ten s",
    "",
    "-1 s",
    -1,
    0.5,
    "0.5 ms",
    Number.NaN,
    Infinity,
    "PT",
    "P",
    "1 s 5",
    true,
    {},
  ];
  for (const raw of bad) expect(read(durationType(), raw), String(raw)).toBe("refused");
});

test("a memory size is bytes or a whole number with a unit of 1024", () => {
  const cases: readonly (readonly [unknown, number])[] = [
    [4096, 4096],
    ["4096", 4096],
    ["10485760b", 10_485_760],
    ["20 kb", 20_480],
    ["20 KB", 20_480],
    ["1m", 1_048_576],
    ["2 gb", 2 * 1024 ** 3],
  ];
  for (const [raw, bytes] of cases) expect(read(memorySizeType(), raw), String(raw)).toBe(bytes);
  for (const raw of ["20 kilo", "1.5 mb", "-1", "", 1.5, null, true]) {
    expect(read(memorySizeType(), raw), String(raw)).toBe("refused");
  }
});

test("numbers and booleans come as themselves or as text, and nothing else passes for them", () => {
  expect([7, "7", " -7 ", "+7"].map((raw) => read(intType(), raw))).toEqual([7, 7, -7, 7]);
  for (const raw of ["7.5", 7.5, "", "0x10", "1e3", 2 ** 60, true]) expect(read(intType(), raw)).toBe("refused");
  expect([0.5, "0.5", "1e-3"].map((raw) => read(doubleType(), raw))).toEqual([0.5, 0.5, 0.001]);
  for (const raw of ["", "half", Number.NaN, "Infinity"]) expect(read(doubleType(), raw)).toBe("refused");
  expect([true, "true", "FALSE"].map((raw) => read(booleanType, raw))).toEqual([true, true, false]);
  for (const raw of ["yes", 1, ""]) expect(read(booleanType, raw)).toBe("refused");
  expect(read(stringType, "")).toBe("refused");
  expect(read(stringType, 42)).toBe("42");
});

test("bounds are inclusive, and the message names them in the type's unit", () => {
  const type = durationType({ min: 10, max: 60_000 });
  expect(["10 ms", "1 min"].map((raw) => read(type, raw))).toEqual([10, 60_000]);
  expect(type.parse("9 ms")).toEqual({ ok: false, expected: "at least 10 ms and at most 1 min" });
  expect(type.parse("2 min")).toEqual({ ok: false, expected: "at least 10 ms and at most 1 min" });
});

test("an enum ignores case and the kind of dash, knows its synonyms, and gives one spelling", () => {
  const type = enumType(["none", "fixed-delay"], { off: "none" });
  expect(["FIXED_DELAY", "fixed-delay", "Off", "none"].map((raw) => read(type, raw))).toEqual([
    "fixed-delay",
    "fixed-delay",
    "none",
    "none",
  ]);
  expect(type.parse("sometimes")).toEqual({ ok: false, expected: "one of none, fixed-delay" });
});

test("lists and maps come from YAML or from text", () => {
  expect(read(listType(intType()), "1; 2;3;")).toEqual([1, 2, 3]);
  expect(read(listType(intType()), [1, "2"])).toEqual([1, 2]);
  expect(read(listType(intType()), "1;x")).toBe("refused");
  expect(read(listType(intType()), 1)).toBe("refused");
  expect(read(mapType(durationType()), "a:1 s, b:2 s")).toEqual(
    new Map([
      ["a", 1000],
      ["b", 2000],
    ]),
  );
  expect(read(mapType(intType()), { a: 1 })).toEqual(new Map([["a", 1]]));
  for (const raw of ["a", "a:1,a:2", ":1", "a:x", 5, null, [1]]) {
    expect(read(mapType(intType()), raw), String(raw)).toBe("refused");
  }
});

test("a mapping's keys are data: __proto__ is a key like any other", () => {
  const values = read(mapType(intType()), "__proto__:1,constructor:2");
  expect(values).toEqual(
    new Map([
      ["__proto__", 1],
      ["constructor", 2],
    ]),
  );
  expect(Object.hasOwn(Object.prototype, "1")).toBe(false);
});

test("what a type formats it reads back", () => {
  const roundTrip = <T>(type: OptionType<T>, values: fc.Arbitrary<T>): void =>
    fc.assert(
      fc.property(values, (value) => {
        expect(read(type, type.format(value))).toEqual(value);
      }),
    );
  // The sign of zero means nothing in a setting.
  const unsignedZero = (value: number): number => value + 0;
  roundTrip(durationType(), fc.maxSafeNat());
  roundTrip(memorySizeType(), fc.maxSafeNat());
  roundTrip(intType({ infinite: true }), fc.oneof(fc.maxSafeInteger(), fc.constant(Number.POSITIVE_INFINITY)));
  roundTrip(doubleType(), fc.double({ noNaN: true, noDefaultInfinity: true }).map(unsignedZero));
  roundTrip(listType(intType()), fc.array(fc.integer()));
});

test("every option's default is a value of the option, and has a description that is a sentence", () => {
  for (const option of allOptions.flatMap((group) => group.options)) {
    if (option.default !== undefined && option.default !== null) {
      expect(read(option.type, option.type.format(option.default)), option.key).toEqual(option.default);
    }
    expect(option.description, option.key).toMatch(/^[A-Z`].*[.]$/);
  }
});

test("no raw value makes a parser or a message throw", () => {
  const types = [stringType, booleanType, durationType(), memorySizeType(), intType(), doubleType()];
  const all: readonly OptionType<unknown>[] = [...types, enumType(["a"]), listType(intType()), mapType(stringType)];
  fc.assert(
    fc.property(fc.anything(), (raw) => {
      for (const type of all) type.parse(raw);
      expect(describeRaw(raw).length).toBeLessThanOrEqual(80);
    }),
  );
});

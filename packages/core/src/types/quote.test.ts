import * as fc from "fast-check";
import { expect, test } from "vitest";
import { quoteLiteral, quoteProperty, quoteRead, quoteText } from "./quote.ts";

const hostile = fc.constantFrom(
  '"',
  "'",
  "`",
  "\\",
  "${alert(1)}",
  "*/",
  "/*",
  "//",
  "\n",
  "\r",
  "\u2028",
  "\u2029",
  "</script>",
  "<!--",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "\0",
  "\ud800",
  "😀",
  "",
  "0",
  "a-b",
  '"];throw 1;["',
);
/** Names put together from hostile parts and arbitrary UTF-16. @see RELIABILITY.md S16 */
const names = fc
  .array(fc.oneof(hostile, fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 5 })
  .map((parts) => parts.join(""));

const evaluate = (source: string, ...values: readonly unknown[]): unknown =>
  new Function("hasOwn", "o", `"use strict"; return ${source};`)(Object.hasOwn, ...values);

test("Q1: whatever the text is, its literal evaluates to exactly that text", () => {
  fc.assert(
    fc.property(names, (name) => evaluate(quoteText(name)) === name),
    { numRuns: 500 },
  );
});

test("Q2: a literal is one line of ASCII that ends no comment, template or script", () => {
  fc.assert(
    fc.property(names, (name) => {
      const inside = quoteText(name).slice(1, -1);
      expect(inside).toMatch(/^[\x20-\x7e]*$/);
      expect(inside).not.toMatch(/["'`$/<]/);
      expect(evaluate(`/* ${inside} */ 1 // ${inside}\n`)).toBe(1);
      expect(evaluate(`\`${inside}\``)).toBe(name);
    }),
    { numRuns: 500 },
  );
});

test("a property of any name is written and read as an own property and touches no prototype", () => {
  fc.assert(
    fc.property(names, (name) => {
      const made = evaluate(`{${quoteProperty(name, "1")}}`) as object;
      expect(Object.keys(made)).toEqual([name]);
      expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
      expect(evaluate(quoteRead("o", name), made)).toBe(1);
      expect(evaluate(quoteRead("o", name), {})).toBeUndefined();
    }),
  );
});

test("literal values keep their value and their sign", () => {
  for (const value of ["x", true, false, 0, -0, 1.5, -1e300, Number.NaN, Infinity, -Infinity]) {
    expect(Object.is(evaluate(quoteLiteral(value)), value)).toBe(true);
  }
});

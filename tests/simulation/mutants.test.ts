import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyMutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const textOf = (file: string): string => readFileSync(new URL(`../../packages/${file}`, import.meta.url), "utf8");

test("at least 30 mutants are kept, each with a name of its own", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test.each(MUTANTS)("the engine still has the code that the mutant changes: $name", (mutant) => {
  const text = textOf(mutant.file);
  expect(applyMutant(mutant, text)).not.toBe(text);
});

test("a mutant whose original text is gone, or is there twice, is an error", () => {
  const mutant = { name: "m", file: "f", original: "a", mutated: "b", breaks: "" };
  expect(() => applyMutant(mutant, "c")).toThrow("occurs 0 times");
  expect(() => applyMutant(mutant, "aa")).toThrow("occurs 2 times");
  expect(applyMutant({ ...mutant, mutated: "$&" }, "a")).toBe("$&");
});

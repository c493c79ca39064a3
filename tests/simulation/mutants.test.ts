import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyMutant } from "./mutant.ts";
import { describeDeaths } from "./mutant-table.ts";
import { MUTANTS } from "./mutants.ts";
import type { KeptPlan } from "./plan.ts";

const textOf = (file: string): string => readFileSync(new URL(`../../packages/${file}`, import.meta.url), "utf8");

test("at least 30 mutants are kept, each with a name of its own", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test.each(MUTANTS)("the engine still has the code that the mutant changes: $name", (mutant) => {
  const text = textOf(mutant.file);
  expect(applyMutant(mutant, text)).not.toBe(text);
});

const BOOK = new URL("./seed-book/", import.meta.url);

test.each(readdirSync(BOOK))("a plan of the seed book is there for a mutant that is kept: %s", (name) => {
  const { kills } = JSON.parse(readFileSync(new URL(name, BOOK), "utf8")) as KeptPlan;
  expect(MUTANTS.map((mutant) => mutant.name)).toContain(kills);
});

test("the table of mutants has those that live at its end", () => {
  const death = { seed: "5", runs: 12, why: "I2 rows\nmissing" };
  const lines = describeDeaths([
    ["lives", undefined],
    ["dies late", death],
    ["dies", { ...death, runs: 3 }],
  ]).split("\n");
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["runs", "mutant", "seed", "violates"],
    ["3", "dies", "5", "I2 rows missing"],
    ["12", "dies late", "5", "I2 rows missing"],
    ["-", "lives", "ALIVE"],
    ["2 of 3 mutants killed"],
    [""],
  ]);
});

test("a mutant whose original text is gone, or is there twice, is an error", () => {
  const mutant = { name: "m", file: "f", original: "a", mutated: "b", breaks: "" };
  expect(() => applyMutant(mutant, "c")).toThrow("occurs 0 times");
  expect(() => applyMutant(mutant, "aa")).toThrow("occurs 2 times");
  expect(applyMutant({ ...mutant, mutated: "$&" }, "a")).toBe("$&");
});

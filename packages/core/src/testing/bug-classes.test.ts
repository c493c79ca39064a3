import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../../", import.meta.url);
const page = readFileSync(new URL("docs/internals/bug-classes.md", root), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| FLINK-"));

test("every class of bugs is shown by tests that exist, or is said not to be due", () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const named = [...row.matchAll(/`([^`]+)` in `([^`]+)`/g)];
    expect(named.length > 0 || row.includes("*not due*"), row).toBe(true);
    for (const [, title, path] of named) {
      const text = readFileSync(new URL(path!, root), "utf8");
      expect(text.includes(`"${title}`), `${title} in ${path}`).toBe(true);
    }
  }
});

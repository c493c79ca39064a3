import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryTree } from "./temporary-tree.ts";

/** What stands in a test file, and the status of the row that it is about. */
const cases: Readonly<Record<string, readonly [string, string]>> = {
  S01: ['test("S01: a", () => {});', "shown"],
  S02: ['test.each([1])("S02, S01: %i", () => {});', "shown"],
  S03: ['describe("S03: a", () => { test("b", () => {}); });', "shown"],
  S04: ['test.skip("S04: a", () => {}); test.todo("S04: b");', "open"],
  S05: ['describe.skip("a", () => { test("S05: b", () => {}); });', "open"],
  S06: ['describe("S06: a", () => { test.skip("b", () => {}); });', "open"],
  S07: ['test("shows S07: a", () => {}); print("S07: a"); // test("S07: a")', "open"],
  F01: ['test("F01: to the left", () => {});', "partly; no test names: right"],
  F02: ['test("F02: to the left", () => {}); test("F02: Right", () => {});', "shown"],
  F03: ['describe("F03: left", () => { test("right", () => {}); });', "shown"],
  F04: ['test("F04: left", () => {}); test("right", () => {});', "partly; no test names: right"],
  U01: ['test("U01: `a` | <b>", () => {});', "shown"],
};

const page = "docs/reference/features.md";

function generate(root: string, ...options: readonly string[]): { readonly ok: boolean; readonly problems: string } {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, "generate-features.mjs"), ...options, root], {
    encoding: "utf8",
  });
  return { ok: run.status === 0, problems: run.stderr };
}

test("a row is shown by tests that run and name it and all its parts; the page is checked against them", () => {
  const rows = Object.keys(cases).map((id) => [
    id,
    [`Row ${id}`, "A thing.", ...(id[0] === "F" ? [["left", "right"]] : [])],
  ]);
  const root = temporaryTree({
    "tools/features.json": JSON.stringify(Object.fromEntries(rows)),
    "docs/reference/README.md": "",
    ...Object.fromEntries(Object.entries(cases).map(([id, [text]]) => [`packages/core/src/${id}.test.ts`, text])),
  });
  expect(generate(root)).toEqual({ ok: true, problems: "" });

  const text = readFileSync(join(root, page), "utf8");
  const statuses = [...text.matchAll(/^\| \[(...)\].*\| (.*) \|$/gm)].map(([, id, status]) => [id, status]);
  expect(statuses).toEqual(Object.entries(cases).map(([id, [, status]]) => [id, status]));
  expect(text).toContain(
    "**Row U01.** A thing. Status: shown.\n\n" +
      "- [packages/core/src/U01.test.ts](../../packages/core/src/U01.test.ts)\n  - \\`a\\` | \\<b\\>\n",
  );

  expect(generate(root, "--check")).toEqual({ ok: true, problems: "" });
  writeFileSync(join(root, "packages/core/src/S01.test.ts"), 'test("S01: b", () => {});');
  expect(generate(root, "--check")).toEqual({
    ok: false,
    problems: `${page} does not match the titles of the tests; run: npm run docs\n`,
  });
});

test("a title with an id that is no row is refused", () => {
  const files = { "tools/features.json": "{}", "packages/core/src/a.test.ts": '\ntest("S99: a", () => {});' };
  expect(generate(temporaryTree(files))).toEqual({
    ok: false,
    problems: "packages/core/src/a.test.ts:2: S99 is no row of tools/features.json\n",
  });
});

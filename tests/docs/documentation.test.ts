import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Documentation, readDocumentation, root } from "./all-blocks.ts";
import type { DocBlock } from "./doc-blocks.ts";
import { countChecks, installCheck, isProgram, isSelfContained, runDocstring, runPage } from "./run-blocks.ts";

/** What the checks must find, or they find nothing. */
const wrong: DocBlock = {
  path: "packages/wrong.ts",
  line: 40,
  code: `const ms: string = durationMs("90 s");\ndurationMs("90 s"); // 90`,
  kind: "docstring",
  output: undefined,
};

let documentation: Documentation;
let directory: string;

beforeAll(async () => {
  // Inside the workspace, so that programs find the packages; as deep as this folder, so that imports hold.
  directory = await mkdtemp(join(root, "tests", ".docs-"));
  documentation = readDocumentation([wrong]);
}, 250_000);

afterAll(() => rm(directory, { recursive: true, force: true }));

test("the code of README and guides and of every docstring's example compiles", () => {
  expect(documentation.pages.length).toBeGreaterThan(5);
  expect(documentation.docstrings.length).toBeGreaterThan(100);
  expect(documentation.problems.filter((problem) => !problem.startsWith(wrong.path)).join("\n")).toBe("");
});

test("programs of README and guides run, and print what the page says", async () => {
  const programs = documentation.pages.filter(isProgram);
  expect(programs.length).toBeGreaterThanOrEqual(2);
  const failures: string[] = [];
  for (const program of programs) failures.push((await runPage(program, directory)) ?? "");
  expect(failures.join("")).toBe("");
}, 250_000);

test("examples of docstrings that need nothing else run, and their values are as they say", async () => {
  installCheck();
  const examples = documentation.docstrings.filter((each) => isSelfContained(each) && each.block !== wrong);
  expect(examples.length).toBeGreaterThan(40);
  expect(examples.reduce((sum, example) => sum + countChecks(example), 0)).toBeGreaterThan(5);
  const failures: string[] = [];
  for (const example of examples) failures.push((await runDocstring(example, directory)) ?? "");
  expect(failures.filter((failure) => failure !== "").join("\n")).toBe("");
}, 250_000);

test("an example that is wrong is named with its file and line: what does not compile, and what is not so", async () => {
  expect(documentation.problems.filter((problem) => problem.startsWith(wrong.path))).toEqual([
    "packages/wrong.ts:40: Type 'number' is not assignable to type 'string'.",
  ]);
  installCheck();
  const failure = await runDocstring(documentation.docstrings.at(-1)!, directory);
  expect(failure).toMatch(/^packages\/wrong\.ts:40: .*expected 90000 to deeply equal 90/);
});

test("a program that prints something else than its page says is named, too", async () => {
  const program = documentation.pages.find(({ block }) => block.output !== undefined)!;
  const failure = await runPage({ ...program, block: { ...program.block, output: "something else" } }, directory);
  expect(failure).toContain(`${program.block.path}:${program.block.line}: prints`);
}, 250_000);

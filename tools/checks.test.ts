import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryTree } from "./temporary-tree.ts";

interface Outcome {
  readonly passed: boolean;
  readonly problems: readonly string[];
}

function check(script: string, files: Readonly<Record<string, string>>): Outcome {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, script), temporaryTree(files)], {
    encoding: "utf8",
  });
  return { passed: run.status === 0, problems: run.stderr.split("\n").filter((line) => line !== "") };
}

const lines = (count: number): string => "// line\n".repeat(count);

describe("sizes", () => {
  const base = "packages/core/src/base";
  const body = (count: number): string => lines(count - 2);

  test("500 lines a file and 70 a function pass; with a reason 800; doc comments and test groups do not count", () => {
    const doc = `/**\n${" *\n".repeat(30)} */\n`;
    const outcome = check("check-sizes.mjs", {
      [`${base}/normal.ts`]: lines(500),
      [`${base}/long.ts`]: lines(800),
      [`${base}/function.ts`]: `${doc}export function f() {\n${body(70)}}\n`,
      [`${base}/a.test.ts`]: `describe("d", () => {\n${body(90)}});\n`,
      "tools/size-reasons.json": JSON.stringify({ [`${base}/long.ts`]: "one protocol's states in one place" }),
    });
    expect(outcome).toEqual({ passed: true, problems: [] });
  });

  test("one line more fails, each with its place and limit, and so does a reason that is not needed", () => {
    const outcome = check("check-sizes.mjs", {
      [`${base}/a.ts`]: lines(501),
      [`${base}/b.ts`]: lines(801),
      [`${base}/c.ts`]: `// first\nexport function f() {\n${body(71)}}\n`,
      [`${base}/d.ts`]: `const g = () => {\n${body(90)}};\n`,
      [`${base}/e.ts`]: `class A {\n  m() {\n${body(90)}}\n}\n`,
      "tools/size-reasons.json": JSON.stringify({ [`${base}/b.ts`]: "a reason", [`${base}/c.ts`]: "a reason" }),
    });
    expect(outcome).toEqual({
      passed: false,
      problems: [
        `${base}/a.ts: 501 lines; over 500 it needs a reason in tools/size-reasons.json`,
        `${base}/b.ts: 801 lines, at most 800; split it by concept`,
        `${base}/c.ts:2: f is 71 lines, at most 70`,
        `${base}/d.ts:1: g is 90 lines, at most 70`,
        `${base}/e.ts:2: m is 90 lines, at most 70`,
        `tools/size-reasons.json: ${base}/c.ts is not over 500 lines; remove it`,
      ],
    });
  });
});

describe("error codes", () => {
  test("a code with an entry and a test passes; one in a comment is not thrown", () => {
    const outcome = check("check-error-codes.mjs", {
      "packages/core/src/a.ts": '// @throws "MR_B_BROKEN"\nthrow new MillraceError("MR_A_BROKEN", {});\n',
      "packages/core/src/a.test.ts": 'expect(code).toBe("MR_A_BROKEN");\n',
      "docs/reference/errors.md": "# Errors\n\n## MR_A_BROKEN\n",
    });
    expect(outcome).toEqual({ passed: true, problems: [] });
  });

  test("a missing entry, a missing test, a second entry and an entry nobody throws each fail", () => {
    const outcome = check("check-error-codes.mjs", {
      "packages/core/src/a.ts": 'throw new MillraceError("MR_NO_ENTRY", {});\nfail("MR_NO_TEST");\n',
      "packages/core/src/a.test.ts": 'expect(code).toBe("MR_NO_ENTRY");\n',
      "docs/reference/errors.md": "# Errors\n\n## MR_NO_TEST\n\n## MR_NO_TEST\n\n## MR_NOT_THROWN\n",
    });
    expect(outcome).toEqual({
      passed: false,
      problems: [
        "docs/reference/errors.md:5: MR_NO_TEST has a second entry",
        "MR_NO_ENTRY (packages/core/src/a.ts:1) has no entry in docs/reference/errors.md",
        "MR_NO_TEST (packages/core/src/a.ts:2) is not provoked by any *.test.ts",
        "docs/reference/errors.md:7: MR_NOT_THROWN is not thrown anywhere in packages/*/src",
      ],
    });
  });
});

describe("public names", () => {
  test("a docstring with a tag passes, on one of the overloads too; names of other packages are checked there", () => {
    const outcome = check("check-public-docs.mjs", {
      "packages/core/src/index.ts": 'export { a, type B as C } from "./a.ts";\nexport { t } from "millrace";\n',
      "packages/core/src/a.ts":
        "/** Does a. @public */\nexport function a(): void;\nexport function a(n?: number): void {}\n/** A b. @internal */\nexport type B = 1;\n",
    });
    expect(outcome).toEqual({ passed: true, problems: [] });
  });

  test("no text, no tag, and a name that is not there each fail with their place", () => {
    const outcome = check("check-public-docs.mjs", {
      "packages/core/src/index.ts": 'export { a, B, missing } from "./a.ts";\n',
      "packages/core/src/a.ts": "/** @public */\nexport const a = 1;\n/** A class. */\nexport class B {}\n",
    });
    expect(outcome).toEqual({
      passed: false,
      problems: [
        "packages/core/src/a.ts:2: a is exported and has no docstring",
        "packages/core/src/a.ts:4: B is exported and has none of @public, @experimental, @internal",
        "packages/core/src/a.ts: missing is exported and not found",
      ],
    });
  });
});

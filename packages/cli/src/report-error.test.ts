import { MillraceError } from "millrace";
import pc from "picocolors";
import { expect, test } from "vitest";
import { renderError } from "./report-error.ts";

const plain = pc.createColors(false);

test("every part of a coded error is on a line of its own", () => {
  const error = new MillraceError("MR_JOB_NOT_FOUND", {
    what: "There is no such job",
    where: { path: "x.ts" },
    found: "nothing",
    expected: "a module",
    todo: "Correct the path",
  });
  expect(renderError(error, false, plain)).toBe(
    "MR_JOB_NOT_FOUND There is no such job\n  path       x.ts\n  found      nothing\n  expected   a module\n  to do      Correct the path\n",
  );
});

test("the user's stack is shown without the engine's frames", () => {
  const cause = new Error("boom");
  cause.stack =
    "Error: boom\n    at map (/home/me/job.ts:3:4)\n    at source0 (millrace-chain-0-0-0.js:9:1)\n    at run (/x/packages/core/src/task/subtask.ts:1:1)";
  const error = new MillraceError("MR_USER_FUNCTION_FAILED", { what: "It failed: boom", todo: "Correct it", cause });
  const text = renderError(error, false, plain);
  expect(text).toContain("job.ts:3:4");
  expect(text).not.toMatch(/millrace-chain|subtask/);
  expect(renderError(error, true, plain)).toContain("subtask");
});

test("an error without a code is shown as it is", () => {
  expect(renderError(new TypeError("odd"), false, plain)).toMatch(/^error TypeError: odd\n/);
});

test("a stack without a frame of the user's is not shown", () => {
  const cause = new Error("bad indentation");
  cause.stack = "YAMLException: bad indentation\n    at parse (/x/node_modules/yaml/index.js:9:1)\n    at node:fs:3:4";
  const error = new MillraceError("MR_CONFIG_INVALID", { what: "The file is no YAML", todo: "Correct it", cause });
  expect(renderError(error, false, plain)).not.toContain("YAMLException");
  expect(renderError(error, true, plain)).toContain("node_modules/yaml");
});

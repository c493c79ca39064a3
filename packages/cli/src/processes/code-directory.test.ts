import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeCodeDirectory } from "./code-directory.ts";

let directory: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "millrace-code-")));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const engine = dirname(createRequire(import.meta.url).resolve("millrace/package.json"));

test("the code of jobs finds the engine that runs, wherever the directory is, and Millrace's other packages", async () => {
  const code = makeCodeDirectory(directory);
  const { resolve } = createRequire(join(code, "job.mjs"));
  expect(dirname(resolve("millrace/package.json"))).toBe(engine);
  expect(await realpath(join(code, "node_modules/@millrace/connector-files"))).toBe(join(engine, "../connector-files"));
});

test("a link to an engine of before is replaced, and one that is right is left alone", async () => {
  const other = join(directory, "other");
  const link = join(directory, "code/node_modules/millrace");
  await mkdir(other);
  await mkdir(dirname(link), { recursive: true });
  await symlink(other, link);
  makeCodeDirectory(directory);
  expect(await realpath(link)).toBe(engine);
  makeCodeDirectory(directory);
  expect(await realpath(link)).toBe(engine);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodePackages } from "./node-packages.ts";

let directory: string;
let before: string;

beforeEach(() => {
  before = process.cwd();
  directory = mkdtempSync(join(tmpdir(), "millrace-packages-"));
  process.chdir(directory);
});
afterEach(() => {
  process.chdir(before);
  rmSync(directory, { recursive: true });
});

function install(name: string, source: string): void {
  const folder = join(directory, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
  writeFileSync(join(folder, "index.js"), source);
}

test("a package is found beside the engine, and else in the working directory", async () => {
  install("@acme/storage", "export const fileSystemFactory = { create: () => 7 };");
  const packages = new NodePackages();
  expect(await packages.load("fast-check")).toHaveProperty("property");
  expect(await packages.load("@acme/storage")).toHaveProperty("fileSystemFactory");
});

test("one that is not installed is undefined", async () => {
  expect(await new NodePackages().load("@acme/absent")).toBeUndefined();
});

test("one that fails, or misses another package, is not taken for one that is not installed", async () => {
  install("@acme/throws", "throw new Error('no such luck');");
  install("@acme/needs", "import '@acme/absent'; export const a = 1;");
  await expect(new NodePackages().load("@acme/throws")).rejects.toThrow("no such luck");
  await expect(new NodePackages().load("@acme/needs")).rejects.toThrow("@acme/absent");
});

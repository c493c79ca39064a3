import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createNodePlatform } from "./node-platform.ts";
import { NodeWorkers } from "./node-workers.ts";
import type { WorkerHandle } from "./platform.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-node-platform-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const firstMessage = (worker: WorkerHandle): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.onMessage(resolve);
    worker.onExit((exitCode, failure) => reject(failure ?? new Error(`exit ${exitCode}`)));
  });

test("a worker module may be plain JavaScript, and has a platform of its own", async () => {
  const path = join(directory, "plain.mjs");
  await writeFile(path, "export const main = ({ platform, postMessage }) => postMessage(platform.proc.processId);");
  const worker = createNodePlatform().workers.spawn(pathToFileURL(path).href, undefined);
  expect(await firstMessage(worker)).toBe(process.pid);
  await worker.terminate();
});

test("a TypeScript worker module in a checkout finds the workspace packages in their sources", async () => {
  // From a file inside the package: a package finds itself by its name.
  const worker = createNodePlatform().workers.spawn(new URL("./testdata/source-worker.ts", import.meta.url).href, 5);
  expect(await firstMessage(worker)).toMatch(/packages\/core\/src\/internal\.ts$/);
  await worker.terminate();
});

test("a module without main fails the worker and is named", async () => {
  const path = join(directory, "empty.mjs");
  await writeFile(path, "export {};");
  const worker = createNodePlatform().workers.spawn(pathToFileURL(path).href, undefined);
  await expect(firstMessage(worker)).rejects.toThrow("empty.mjs exports no function main");
});

test("MR_TYPESCRIPT_LOADER_MISSING: without tsx a TypeScript worker is refused with what to do", () => {
  const workers = new NodeWorkers(pathToFileURL(join(directory, "boot.mjs")));
  expect(() => workers.spawn("file:///jobs/job.ts", undefined)).toThrow(
    expect.objectContaining({
      code: "MR_TYPESCRIPT_LOADER_MISSING",
      where: { module: "file:///jobs/job.ts" },
      todo: expect.stringContaining("npm install tsx"),
    }),
  );
});

test("forks of two processes differ, although each repeats its own", () => {
  const one = createNodePlatform().random;
  const other = createNodePlatform().random;
  expect(one.fork("a").uuid()).toBe(one.fork("a").uuid());
  expect(one.fork("a").uuid()).not.toBe(other.fork("a").uuid());
});

test("a delay beyond 31 bits does not reach Node's timers, which would fire at once and warn", async () => {
  const { clock } = createNodePlatform();
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  process.on("warning", onWarning);
  const cancel = clock.after(2 ** 40, () => {});
  // Warnings are emitted on the next tick, before any timer.
  await new Promise<void>((resolve) => {
    clock.after(1, resolve);
  });
  cancel();
  process.off("warning", onWarning);
  expect(warnings).not.toContain("TimeoutOverflowWarning");
});

/** Resolves when the thread that counts a word up has counted on. */
async function goesOn(words: Int32Array): Promise<void> {
  const before = Atomics.load(words, 0);
  while (Atomics.load(words, 0) === before) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

test("the call stack of a thread in an endless loop names its functions, innermost first, and it goes on", async () => {
  const path = join(directory, "endless.mjs");
  await writeFile(
    path,
    [
      "export function main({ input, postMessage }) {",
      "  postMessage('started');",
      "  loopForEver(new Int32Array(input));",
      "}",
      "function loopForEver(words) {",
      "  for (;;) {",
      "    countUp(words);",
      "  }",
      "}",
      "function countUp(words) {",
      "  Atomics.add(words, 0, 1);",
      "}",
    ].join("\n"),
  );
  const words = new Int32Array(new SharedArrayBuffer(4));
  const url = pathToFileURL(path).href;
  const worker = createNodePlatform().workers.spawn(url, words.buffer);
  await firstMessage(worker);
  await goesOn(words);
  for (let look = 0; look < 2; look++) {
    const frames = await worker.callStack();
    const own = frames.filter((frame) => frame.url === url).map(({ functionName }) => functionName);
    expect(own.slice(-2)).toEqual(["loopForEver", "main"]);
    expect(frames.find(({ functionName }) => functionName === "main")).toEqual({ functionName: "main", url, line: 3 });
    expect(frames[0]?.url).toBe(url);
    await goesOn(words);
  }
  await worker.terminate();
  expect(await worker.callStack()).toEqual([]);
});

test("the call stack of a thread is its own, also when others run", async () => {
  const spin = async (name: string): Promise<WorkerHandle> => {
    const path = join(directory, `${name}.mjs`);
    await writeFile(
      path,
      `export function main({ postMessage }) { postMessage(0); ${name}(); }\nfunction ${name}() { for (;;); }`,
    );
    const worker = createNodePlatform().workers.spawn(pathToFileURL(path).href, undefined);
    await firstMessage(worker);
    return worker;
  };
  const workers = [await spin("spinLeft"), await spin("spinRight")];
  const stacks = await Promise.all(workers.map((worker) => worker.callStack()));
  expect(stacks.map((frames) => frames[0]?.functionName)).toEqual(["spinLeft", "spinRight"]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test("a folder whose parents are missing may be made by several at the same time", async () => {
  const { fs } = createNodePlatform();
  for (let round = 0; round < 20; round++) {
    const path = join(directory, `round-${round}`, "output", "sessions", "late");
    await Promise.all([path, join(path, "below"), path, path].map((each) => fs.makeDirectory(each)));
  }
});

test.runIf(process.platform === "linux")(
  "a folder in a file system that holds none is refused, not waited for",
  async () => {
    await expect(createNodePlatform().fs.makeDirectory("/proc/millrace/checkpoints")).rejects.toThrow("ENOENT");
  },
);

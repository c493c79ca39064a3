import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { NodeWarmWorkers } from "./node-warm-workers.ts";
import { NodeWorkers } from "./node-workers.ts";
import type { WorkerHandle } from "./platform.ts";

const directory = mkdtempSync(join(tmpdir(), "millrace-warm-"));
const echo = pathToFileURL(join(directory, "echo.mjs")).href;
const broken = pathToFileURL(join(directory, "broken.mjs")).href;
const THREADS_MAX = 2;

let pass: () => void;
let all: WorkerHandle[];
let warm: NodeWarmWorkers;
const spawn = (...args: Parameters<NodeWarmWorkers["spawn"]>): WorkerHandle => {
  const worker = warm.spawn(...args);
  all.push(worker);
  return worker;
};

beforeEach(async () => {
  await writeFile(
    join(directory, "echo.mjs"),
    "export const main = ({ input, postMessage, onMessage }) => { postMessage({ input }); onMessage(postMessage); };",
  );
  await writeFile(join(directory, "broken.mjs"), 'throw new Error("cannot be loaded");');
  all = [];
  warm = waiting(echo);
});
afterEach(async () => {
  await warm.close();
  await Promise.all(all.map((worker) => worker.terminate()));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function waiting(moduleUrl: string): NodeWarmWorkers {
  const after = (_delayMs: number, action: () => void): (() => void) => {
    pass = action;
    return () => {
      pass = () => {};
    };
  };
  return new NodeWarmWorkers({
    workers: new NodeWorkers(),
    clock: { after },
    moduleUrl,
    heapBytesMax: undefined,
    threadsMax: THREADS_MAX,
  });
}

function messages(worker: WorkerHandle, count: number): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  return new Promise((resolve, reject) => {
    worker.onMessage((message) => {
      seen.push(message);
      if (seen.length === count) resolve(seen);
    });
    worker.onExit((exitCode, failure) => reject(failure ?? new Error(`exit ${exitCode}`)));
  });
}

test("a thread that has waited is as any other: its input comes first, then what was posted, in order", async () => {
  pass();
  expect(warm.waitingCount).toBe(THREADS_MAX);
  const worker = spawn(echo, { n: 1 }, { name: "slot-0", willImport: ["file:///job.mjs"] });
  for (const message of ["a", "b", "c"]) worker.postMessage(message);
  expect(warm.waitingCount).toBe(THREADS_MAX - 1);
  expect(await messages(worker, 4)).toEqual([{ input: { n: 1 } }, "a", "b", "c"]);
});

test("W1: threads that wait and threads that run are never more than the slots; one that has ended is made up for", async () => {
  expect(warm.waitingCount, "before anything had time to start").toBe(0);
  const worker = spawn(echo, 0);
  await messages(worker, 1);
  pass();
  expect(warm.waitingCount).toBe(THREADS_MAX - 1);
  const second = spawn(echo, 1);
  pass();
  expect(warm.waitingCount).toBe(0);
  // More than there are slots: nothing waits, and they still start.
  expect(await messages(spawn(echo, 2), 1)).toEqual([{ input: 2 }]);
  const exits = [worker, second, ...all.slice(2)].map(
    (each) => new Promise<void>((resolve) => each.onExit(() => resolve())),
  );
  await Promise.all(all.map((each) => each.terminate()));
  await Promise.all(exits);
  pass();
  expect(warm.waitingCount).toBe(THREADS_MAX);
});

test("W2: a thread that dies while it waits is not tried again, and whoever spawns hears why", async () => {
  await warm.close();
  warm = waiting(broken);
  pass();
  await vi.waitFor(() => expect(warm.waitingCount).toBe(0), 60_000);
  pass = () => {};
  await expect(messages(spawn(broken, 0), 1)).rejects.toThrow("cannot be loaded");
});

test("a thread dies of an error as any other, also before its input has reached it", async () => {
  await warm.close();
  warm = waiting(broken);
  pass();
  await expect(messages(spawn(broken, 0), 1)).rejects.toThrow("cannot be loaded");
});

test("what cannot be cloned is refused, and the thread waits for the next", async () => {
  pass();
  expect(() => spawn(echo, () => {})).toThrow("could not be cloned");
  expect(warm.waitingCount).toBe(THREADS_MAX);
  expect(await messages(spawn(echo, 3), 1)).toEqual([{ input: 3 }]);
});

test.each([
  ["another heap", { heapBytesMax: 2 ** 27 }],
  ["a loader for TypeScript", { willImport: ["file:///job.ts"] }],
])("one that needs %s starts anew", async (_what, options) => {
  pass();
  expect(await messages(spawn(echo, 4, options), 1)).toEqual([{ input: 4 }]);
  expect(warm.waitingCount).toBe(THREADS_MAX);
});

test("W3: nothing is started to wait after it was closed", async () => {
  pass();
  await warm.close();
  pass();
  expect(warm.waitingCount).toBe(0);
});

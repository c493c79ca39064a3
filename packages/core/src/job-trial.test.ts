/** Code of jobs that ends or stops what builds it. */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tryJob } from "./job-trial.ts";
import { createNodePlatform } from "./platform/node-platform.ts";
import type { Clock } from "./platform/platform.ts";

const threadUrl = new URL("./job-trial-thread.ts", import.meta.url).href;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-trial-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Tries a job that consists of these lines. */
async function tried(name: string, lines: string, clock?: Pick<Clock, "after">): Promise<void> {
  const path = join(directory, `${name}.mjs`);
  await writeFile(
    path,
    `import { writeFileSync } from "node:fs";\nexport default function ${name}(env, args) {\n  ${lines}\n}\n`,
  );
  const platform = createNodePlatform();
  const input = { url: pathToFileURL(path).href, args: ["--from", "7"], given: [] };
  await tryJob(input, { workers: platform.workers, clock: clock ?? platform.clock, threadUrl });
}

test("a job that can be built is built, with its arguments", async () => {
  await tried("fine", 'if (args.number("from") !== 7) throw new Error(); env.fromData([1]).print();');
});

test("S56: an endless loop is ended, and its place is told: MR_JOB_BUILD_TIMEOUT", async () => {
  const begun = join(directory, "begun");
  // The limit is over when the loop has begun; there is no other in this test.
  const after = (_ms: number, action: () => void): (() => void) => {
    const timer = setInterval(() => {
      if (existsSync(begun)) action();
    }, 20);
    return () => clearInterval(timer);
  };
  let limits = 0;
  const clock = { after: (ms: number, action: () => void) => (limits++ === 0 ? after(ms, action) : () => {}) };
  const lines = `writeFileSync(${JSON.stringify(begun)}, ""); for (let n = 0; n >= 0; n++) args.has(String(n));`;
  await expect(tried("endless", lines, clock)).rejects.toThrow(
    /MR_JOB_BUILD_TIMEOUT.*nothing after 60000 ms; it is in .*endless\.mjs:\d/s,
  );
});

test("S56: a job that calls process.exit fails of it", async () => {
  await expect(tried("exits", "process.exit(3);")).rejects.toThrow(/MR_PROCESS_EXIT.*process\.exit\(3\)/s);
});

test("S56: what ends the thread otherwise is told: MR_JOB_BUILD_DIED", async () => {
  const lines = 'setTimeout(() => { throw new RangeError("left behind"); }); return new Promise(() => {});';
  await expect(tried("dies", lines)).rejects.toThrow(/MR_JOB_BUILD_DIED.*RangeError: left behind/s);
});

test("what the job throws is what its client is told", async () => {
  await expect(tried("throws", 'throw new RangeError("not today");')).rejects.toThrow(/^not today$/);
});

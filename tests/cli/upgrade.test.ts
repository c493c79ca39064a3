import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Configuration, type Job, StreamExecutionEnvironment } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { millrace } from "../support/millrace.ts";

// Inside the workspace, so that jobs find the packages as a user's project does.
const root = fileURLToPath(new URL("../../", import.meta.url));
let directory: string;
/** Of the job below with two counts, at parallelism 1. */
let savepoint: string;

beforeAll(async () => {
  directory = await mkdtemp(join(root, "tests", ".cli-"));
  const { default: build } = (await import(await job("first.ts", jobText("t.int32", "both")))) as { default: Job };
  const configuration = Configuration.fromEntries([{ key: "parallelism.default", value: "1" }]);
  const env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
  // The job asks for no arguments.
  await build(env, undefined as never);
  const client = await env.executeAsync("counts");
  while (client.getProgress().recordsRead === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  savepoint = await client.stopWithSavepoint(false, join(directory, "savepoints"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function job(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

/** Counts by key, with the type of the count, and what else it keeps: as a job, its changed successor, and so on. */
function jobText(type: string, keeps: "both" | "one" | "more", uid: string = "counts"): string {
  const count = (name: string): string =>
    `.keyBy((n) => n % 3).process(new Count()).uid("${name}").sinkTo(DiscardingSink.of());`;
  return `import { DataGeneratorSource, DiscardingSink, t, valueState } from "millrace";
class Count {
  open(context) {
    this.count = context.getState(valueState("count", ${type}));
    ${keeps === "more" ? 'context.getState(valueState("last", t.string));' : ""}
  }
  processElement(n, context, out) {
    this.count.update((this.count.value() ?? 0) + 1);
    out.collect(n);
  }
}
export default (env) => {
  const numbers = env.fromSource(DataGeneratorSource.of((n) => n, 1e9, { ratePerSecond: 1000 }), { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers");
  numbers${count(uid)}
  ${keeps === "both" ? `numbers${count("others")}` : ""}
};
`;
}

test("U06: check says what is restored, new and rescaled, with exit code 0", async () => {
  const path = await job("more.ts", jobText("t.int64", "more"));
  const { code, out } = await millrace("check", "-p", "2", "-n", "--against", savepoint, path);
  expect(out).toMatch(/^savepoint \d+ of job "counts", /);
  expect(out).toMatch(/restored +source-numbers "Source: numbers", rescaled from 1 to 2/);
  expect(out).toMatch(/reconfigured +value count: int64/);
  expect(out).toMatch(/new +value last: string/);
  expect(out).toMatch(/dropped +others "[^"]+" \(\d+ bytes; needs -n\)/);
  expect(out).toContain("The job can start from it.");
  expect(code).toBe(0);
});

test("U06: check says what would be dropped or is incompatible, field by field, with exit code 1", async () => {
  const dropped = await millrace("check", "--against", savepoint, await job("one.ts", jobText("t.int32", "one")));
  expect(dropped.out).toMatch(/dropped +others.*needs -n[\s\S]*The job cannot start from it: MR_STATE_NOT_RESTORED/);
  expect(dropped.code).toBe(1);

  const changed = await job("changed.ts", jobText("t.object({ total: t.int32 })", "both"));
  const { code, out } = await millrace("check", "--json", "--against", join(savepoint, "_metadata"), changed);
  const check = JSON.parse(out) as {
    isPossible: boolean;
    refusal: { code: string };
    operators: { uid: string; verdict: string; states: { name: string; verdict: string; problem?: string }[] }[];
  };
  expect(check).toMatchObject({ isPossible: false, refusal: { code: "MR_STATE_SCHEMA_INCOMPATIBLE" } });
  const counts = check.operators.find(({ uid }) => uid === "counts")!;
  expect(counts.verdict).toBe("incompatible");
  expect(counts.states.find(({ name }) => name === "count")).toMatchObject({
    verdict: "incompatible",
    problem: expect.stringMatching(/int32.*object/s) as string,
  });
  expect(code).toBe(1);
});

test("U05: lock writes what a job keeps; what would be lost is said by lock --check, check and, when it warns, run", async () => {
  const path = await job("locked.ts", jobText("t.int32", "both"));
  const file = join(directory, "locked.millrace-lock.json");
  const locked = await millrace("lock", "-p", "1", path);
  expect(locked.out).toContain("locked.millrace-lock.json: 3 operators with state");
  const text = await readFile(file, "utf8");
  expect(JSON.parse(text)).toMatchObject({
    operators: [
      { uid: "counts", states: [{ name: "count", kind: "value", schema: { kind: "int32" } }] },
      { uid: "others" },
      { uid: "source-numbers" },
    ],
  });
  expect((await millrace("lock", "--check", "-p", "4", path)).code).toBe(0);
  // It says nothing about parallelism.
  await millrace("lock", "-p", "4", path);
  expect(await readFile(file, "utf8")).toBe(text);

  await job("locked.ts", jobText("t.string", "one", "renamed"));
  const lost = await millrace("lock", "--check", path);
  expect(lost.code).toBe(1);
  expect(lost.out).toMatch(/uid counts\) would not be restored.*\.uid\("counts"\)/);
  expect(lost.out).toMatch(/uid others\) would not be restored/);
  const run = await millrace("run", "-s", join(directory, "nowhere"), path);
  expect(run.error).toMatch(/warning: state of .*\(uid counts\) would not be restored/);

  await writeFile(file, "{}");
  const damaged = await millrace("lock", "--check", path);
  expect(damaged.error).toContain("MR_LOCK_INVALID");
  expect(damaged.code).toBe(2);
});

test("S48: Flink's flags for restores are taken as Flink writes them", async () => {
  const path = await job("one.ts", jobText("t.int32", "one"));
  const legacy = await millrace("run", "-s", savepoint, "-n", "-restoreMode", "legacy", path);
  expect(legacy.error).toMatch(/MR_CONFIG_UNSUPPORTED[\s\S]*CLAIM hands them to the job/);
  const wrong = await millrace("run", "-s", savepoint, "-cm", "mine", path);
  expect(wrong.error).toMatch(/--claimMode mine: .*expected .*NO_CLAIM/);
  const refused = await millrace("run", "-fromSavepoint", savepoint, "--claimMode", "no_claim", path);
  expect(refused.error).toContain("MR_STATE_NOT_RESTORED");
  expect([legacy.code, wrong.code, refused.code]).toEqual([2, 2, 1]);
});

test("S49, S45: a job starts from a _metadata file, without run too, as Flink's command lines have it", async () => {
  const says = 'throw new Error("restored at " + this.count.value());';
  const path = await job("says.ts", jobText("t.int32", "both").replace("out.collect(n);", says));
  const { code, error } = await millrace("-s", join(savepoint, "_metadata"), "-p", "2", path);
  expect(Number(/restored at (\d+)/.exec(error)?.[1])).toBeGreaterThan(1);
  expect(code).toBe(1);
});

test("F17: a savepoint is disposed with its files; what is not its own stays, and nothing else is taken for one", async () => {
  const parent = join(directory, "savepoints");
  const refused = await millrace("savepoint", "-d", parent);
  expect(refused.error).toContain("MR_SAVEPOINT_NO_SNAPSHOT");
  expect(refused.code).toBe(2);
  await writeFile(join(savepoint, "note.txt"), "keep me");
  const { code, out } = await millrace("savepoint", "--dispose", join(savepoint, "_metadata"));
  expect(out).toMatch(/^Savepoint '.*' disposed\.\nLeft in its directory, since it is not part of it: note\.txt\n$/);
  expect(await readdir(savepoint)).toEqual(["note.txt"]);
  expect(code).toBe(0);
  expect((await stat(parent)).isDirectory()).toBe(true);
});

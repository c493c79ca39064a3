import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { millrace, millraceFromSources, startMillrace } from "../support/millrace.ts";

// Inside the workspace, so that jobs find the packages as a user's project does.
const root = fileURLToPath(new URL("../../", import.meta.url));
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(root, "tests", ".cli-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function job(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const imports = `import { DataGeneratorSource, type StreamExecutionEnvironment, t, valueState } from "millrace";\n`;

test("the first job of the README runs by copy and paste", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const text = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  expect(text.split("\n").length).toBeLessThan(35);
  const { code, out, error } = await millrace("run", await job("first-job.ts", text));
  expect(error).toContain("FINISHED: 1,000 records read, 12 written");
  const rows = out.trim().split("\n");
  expect(rows).toHaveLength(12);
  // With more than one slot every line says which subtask wrote it.
  expect(rows.map((row) => row.replace(/^\d+> /, ""))).toContain('{"user":"user-0","from":0,"to":30000,"count":100}');
  expect(code).toBe(0);
});

test("a checkout runs a job from the sources, without a build", async () => {
  const path = await job(
    "sources.ts",
    `${imports}export default (env: StreamExecutionEnvironment) => void env.fromSequence(1, 3).print();`,
  );
  const { code, out, error } = await millraceFromSources("run", "-p", "2", path);
  expect(
    out
      .trim()
      .split("\n")
      .map((row) => row.replace(/^\d+> /, ""))
      .sort(),
  ).toEqual(["1", "2", "3"]);
  expect(error).toContain("FINISHED: 3 records read, 3 written");
  expect(code).toBe(0);
});

test("explain shows the plan as text, as JSON and with the generated code, and runs nothing", async () => {
  const path = await job(
    "plan.ts",
    `${imports}export default (env: StreamExecutionEnvironment) => void env.fromSequence(1, 9).keyBy((n) => n % 2).reduce((a, b) => a + b).uid("sums").print();`,
  );
  const text = await millrace("explain", "-p", "1", path);
  expect(text.out).toMatch(/uid +sums/);
  expect(text.out).not.toMatch(/^\d+$/m);
  const plan = JSON.parse((await millrace("explain", "--json", "-p", "2", path)).out) as {
    vertices: unknown[];
    edges: { partitioning: string }[];
  };
  expect(plan.vertices.length).toBe(2);
  expect(plan.edges[0]!.partitioning).toBe("hash");
  expect((await millrace("explain", "-p", "1", "--code", path)).out).toContain("function source0(batch)");
});

test("a plain script that executes itself follows the command line", async () => {
  const path = await job(
    "script.ts",
    `import { StreamExecutionEnvironment } from "millrace";
const env = StreamExecutionEnvironment.getExecutionEnvironment();
env.fromSequence(1, 2).map((n) => n * env.getParallelism()).print();
await env.execute();`,
  );
  const { code, out } = await millrace("run", "-p", "3", path);
  expect(out.replaceAll(/\d+> /g, "").trim().split("\n").sort()).toEqual(["3", "6"]);
  expect(code).toBe(0);
});

test("F31: accumulators of a job in threads are shown behind the summary", async () => {
  const path = await job(
    "accumulates.ts",
    `import { IntCounter, ListAccumulator, type RuntimeContext, type StreamExecutionEnvironment } from "millrace";
class Odd {
  private readonly odd = new IntCounter();
  private readonly all = new ListAccumulator<number>();
  open(context: RuntimeContext): void {
    context.addAccumulator("odd numbers", this.odd);
    context.addAccumulator("all numbers", this.all);
  }
  map(n: number): number {
    this.odd.add(n % 2);
    this.all.add(n);
    return n;
  }
}
export default (env: StreamExecutionEnvironment) => void env.fromSequence(1, 9).map(new Odd()).print();`,
  );
  const { code, error } = await millrace("run", "-p", "2", path);
  expect(error).toContain("\nAccumulator results:\n  odd numbers: 5\n  all numbers: 9 elements\n");
  expect(code).toBe(0);
});

test("a function that throws is reported with operator, line of the job and exit code 1", async () => {
  const path = await job(
    "throws.ts",
    `${imports}
export default function throws(env: StreamExecutionEnvironment): void {
  env
    .fromSequence(1, 10)
    .map((n) => {
      if (n === 7) throw new RangeError("seven is too many");
      return n;
    })
    .print();
}`,
  );
  const { code, error } = await millrace("run", path);
  expect(error).toContain("MR_USER_FUNCTION_FAILED");
  expect(error).toContain("RangeError: seven is too many");
  expect(error).toMatch(/throws\.ts:7:\d+/);
  expect(error).not.toContain("millrace-chain");
  expect(code).toBe(1);
});

test.each([
  [["run", "--parallelsm", "2", "x.ts"], /Did you mean --parallelism/],
  [["rnu", "x.ts"], /unknown command 'rnu'[\s\S]*Did you mean run/],
  [["run", "nowhere.ts"], /MR_JOB_NOT_FOUND/],
  [["run", "-D", "parallelism.defalt=2", "x.ts"], /MR_CONFIG_INVALID[\s\S]*did you mean parallelism\.default/],
  [["run", "-D", "execution.checkpointing.interval=10 parsecs", "x.ts"], /MR_CONFIG_INVALID[\s\S]*10 parsecs/],
  [["run", "--explain-stall", "soon", "x.ts"], /MR_CONFIG_INVALID[\s\S]*--explain-stall "soon"/],
  [["run", "-p", "0", "x.ts"], /MR_CONFIG_INVALID[\s\S]*parallelism\.default/],
  [["run", "x.ts", "-p", "3"], /MR_JOB_ARGUMENT_INVALID[\s\S]*before the job's path/],
])("%j is a usage error that says what is meant", async (args, text) => {
  const { code, error } = await millrace(...args);
  expect(error).toMatch(text);
  expect(code).toBe(2);
});

test("a configuration file's mistakes are shown with line and column, all at once", async () => {
  const config = await job(
    "config.yaml",
    "parallelism:\n  default: many\nexecution.checkpointing:\n  intervall: 5 s\n",
  );
  const { code, error } = await millrace("run", "--config", config, "x.ts");
  expect(error).toMatch(/config\.yaml:2:3/);
  expect(error).toMatch(/config\.yaml:4:3[\s\S]*did you mean execution\.checkpointing\.interval/);
  expect(code).toBe(2);
});

test("a module that is no job, or is broken, is refused", async () => {
  const noJob = await job("no-job.ts", "export default 5;");
  expect((await millrace("run", noJob)).error).toMatch(/MR_JOB_INVALID[\s\S]*number/);
  const broken = await job("broken.ts", "export default (env => {");
  expect((await millrace("run", broken)).error).toContain("MR_JOB_INVALID");
});

test("restoring from what is no checkpoint is refused with what is there", async () => {
  const path = await job(
    "restores.ts",
    `${imports}export default (env: StreamExecutionEnvironment) => void env.fromSequence(1, 2).print();`,
  );
  const { code, error } = await millrace("run", "-s", directory, path);
  expect(error).toMatch(/MR_CHECKPOINT_NOT_FOUND[\s\S]*first-job\.ts/);
  expect(code).toBe(2);
});

test("Ctrl-C ends a job after a last checkpoint, from which -s goes on without loss or repetition", async () => {
  const checkpoints = join(directory, "checkpoints");
  const path = await job(
    "endless.ts",
    `${imports}
export default function counts(env: StreamExecutionEnvironment): void {
  env
    .fromSource(DataGeneratorSource.of((i) => i, 1000, { ratePerSecond: 400 }), { boundedOutOfOrderness: 0, timestamp: (i) => i }, "numbers")
    .keyBy(() => "all")
    .reduce((a) => a + 1)
    .uid("count")
    .print();
}`,
  );
  const settings = [
    "-p",
    "1",
    "-D",
    "execution.checkpointing.interval=1 h",
    "-D",
    `execution.checkpointing.dir=${checkpoints}`,
  ];
  const first = startMillrace(["run", ...settings, path]);
  while (first.out().split("\n").length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  first.process.kill("SIGINT");
  const stopped = await first.exit;
  expect(stopped.code).toBe(0);
  const resume = /millrace run -s (\S+)/.exec(stopped.error)![1]!;
  const second = await millrace("run", "-s", resume, ...settings, path);
  expect(second.code, second.error).toBe(0);
  const numbers = `${stopped.out}${second.out}`.trim().split("\n").map(Number);
  expect(numbers).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});

test("a job that fails for good with retained checkpoints says where to go on, and going on works", async () => {
  const checkpoints = join(directory, "kept");
  const path = await job(
    "fails.ts",
    `${imports}
export default function fails(env: StreamExecutionEnvironment): void {
  env
    .fromSource(DataGeneratorSource.of((i) => i, 400, { ratePerSecond: 400 }), { boundedOutOfOrderness: 0, timestamp: (i) => i }, "numbers")
    .map((n) => {
      if (n === 300 && process.env["FIXED"] === undefined) throw new Error("not fixed yet");
      return n;
    })
    .keyBy(() => "all")
    .reduce((a) => a + 1)
    .uid("count")
    .filter((n) => n === 399)
    .print();
}`,
  );
  const settings = [
    ["execution.checkpointing.interval", "100 ms"],
    ["execution.checkpointing.dir", checkpoints],
    ["execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION"],
    ["restart-strategy.type", "none"],
  ].flatMap(([key, value]) => ["-D", `${key}=${value}`]);
  const failed = await millrace("run", "-p", "1", ...settings, path);
  expect(failed.code).toBe(1);
  const resume = /millrace run -s (\S+)/.exec(failed.error)![1]!;
  process.env["FIXED"] = "yes";
  try {
    const resumed = await millrace("run", "-p", "1", "-s", resume, ...settings, path);
    expect(resumed.code, resumed.error).toBe(0);
    expect(resumed.out).toBe("399\n");
  } finally {
    delete process.env["FIXED"];
  }
});

test.each(["threads", "in-thread"])("a job's stack names the user's lines, with the target %s", async (target) => {
  const path = await job(
    `lines-${target}.ts`,
    `${imports}
interface Unused { readonly makes: "the lines of the compiled code differ" }

export default (env: StreamExecutionEnvironment) =>
  void env.fromSequence(1, 10).map((n): number => {
    throw new Error("here " + n);
  }).print();
`,
  );
  const { code, error } = await millrace("run", "-t", target, "-p", "2", path);
  expect(error).toMatch(new RegExp(`lines-${target}\\.ts:7:\\d+`));
  expect(error).toContain('The function of operator "Map" failed');
  expect(code).toBe(1);
});

test("a module keeps its own URL and its own files in the bundle", async () => {
  await job("beside.json", '{"text":"from beside"}');
  await job(
    "part.ts",
    'import { readFileSync } from "node:fs";\nexport const text = (JSON.parse(readFileSync(new URL("beside.json", import.meta.url), "utf8")) as { text: string }).text;\n',
  );
  const path = await job(
    "with-files.ts",
    `${imports}import { text } from "./part.ts";\nexport default (env: StreamExecutionEnvironment) => void env.fromData([1]).map(() => text).print();`,
  );
  expect((await millrace("run", "-p", "1", path)).out).toBe("from beside\n");
});

test("a script that builds its pipeline itself cannot run in threads", async () => {
  const path = await job(
    "script-in-threads.ts",
    `import { StreamExecutionEnvironment } from "millrace";
const env = StreamExecutionEnvironment.getExecutionEnvironment();
env.fromSequence(1, 2).print();
await env.execute();`,
  );
  const { code, error } = await millrace("run", "-t", "threads", path);
  expect(error).toContain("MR_TARGET_NEEDS_MODULE");
  expect(code).toBe(2);
});

test("a function that never returns is named with the user's line, and the command ends", async () => {
  const path = await job(
    "never-returns.ts",
    `${imports}
function spin(): number {
  for (let turns = 0; ; turns++) if (turns < 0) return turns;
}

export default (env: StreamExecutionEnvironment) => void env.fromSequence(1, 10).map(() => spin()).print();
`,
  );
  const { code, error } = await millrace("run", "-p", "1", "-D", "taskmanager.slot.blocked-timeout=5 s", path);
  expect(error).toContain("MR_SLOT_BLOCKED");
  expect(error).toMatch(/spin .*never-returns\.ts:4/);
  expect(code).toBe(1);
});

test("a record that cannot go to another thread is refused with the operator that made it", async () => {
  const path = await job(
    "class-records.ts",
    `${imports}
class Reading {
  value = 1;
}

export default (env: StreamExecutionEnvironment) =>
  void env.fromSequence(1, 100).map(() => new Reading()).rebalance().map((reading) => reading.value).print();
`,
  );
  const { code, error } = await millrace("run", "-p", "2", path);
  expect(error).toContain("MR_VALUE_UNSERIALIZABLE");
  expect(error).toMatch(/class-records\.ts:8/);
  expect(code).toBe(1);
});

test("U09: a job that writes nothing says why on standard error, with what to do", async () => {
  const path = await job(
    "stalls.ts",
    `import { DataGeneratorSource, type StreamExecutionEnvironment, TumblingEventTimeWindows } from "millrace";
export default (env: StreamExecutionEnvironment) =>
  void env
    .fromSource(
      DataGeneratorSource.of((n) => n, 1_000_000, { ratePerSecond: 20 }),
      { boundedOutOfOrderness: "5 s", timestamp: (n) => n },
      "clicks",
    )
    .keyBy((n) => n % 3)
    .window(TumblingEventTimeWindows.of("1 h"))
    .reduce((a, b) => a + b)
    .uid("hourly")
    .name("hourly")
    .print();`,
  );
  const said =
    /Nothing has come out for \d+ s:\n- window \[1970-01-01 00:00:00, 01:00:00\) of "hourly" \(.*waits for watermark 1970-01-01 00:59:59.999;.*"Source: clicks"/;
  const started = startMillrace(["run", "-p", "2", "--explain-stall", "1 s", path]);
  // A job that has just started may have other reasons: it is asked again while nothing comes.
  const isSaid = new Promise<void>((resolve) => {
    started.process.stderr!.on("data", () => {
      if (said.test(started.error())) resolve();
    });
  });
  await Promise.race([isSaid, started.exit]);
  started.process.kill("SIGINT");
  const { error, out } = await started.exit;
  expect(error).toMatch(said);
  expect(out).toBe("");
});

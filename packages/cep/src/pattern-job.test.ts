import { Configuration, DataGeneratorSource, OutputTag, StreamExecutionEnvironment } from "millrace";
import { CommittedRows, createSimulatedPlatform, type SimulatedPlatform } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { CEP } from "./cep.ts";

/** Logins of seven users; some fail, in no order that divides by the number of users. */
interface Login {
  readonly user: string;
  readonly at: number;
  readonly ok: boolean;
}

const COUNT = 600;

function login(index: number): Login {
  return { user: `u${index % 7}`, at: index * 100, ok: (index * 7919) % 5 < 2 };
}

const unfinished = new OutputTag<string>("unfinished");

function build(env: StreamExecutionEnvironment, rows: CommittedRows, change: (value: Login) => Login): void {
  const logins = env
    .fromSource(
      DataGeneratorSource.of(login, COUNT, { ratePerSecond: 200 }),
      { boundedOutOfOrderness: "1 s", timestamp: (value: Login) => value.at },
      "logins",
    )
    .map(change);
  const breakIns = CEP.pattern(
    logins.keyBy((value) => value.user),
    (pattern) =>
      pattern
        .begin("failures", AfterMatchSkipStrategy.skipPastLastEvent())
        .where((value) => !value.ok)
        .timesOrMore(2)
        .consecutive()
        .greedy()
        .next("success")
        .where((value) => value.ok)
        .within("4 s"),
  )
    .select(
      unfinished,
      (match, timeoutMs) => `${match.failures[0]?.user} ${match.failures.length} unfinished at ${timeoutMs}`,
      (match) => `${match.success[0].user} after ${match.failures.map(({ at }) => at).join(",")}`,
    )
    .uid("break-ins");
  breakIns.sinkTo(rows.sink()).uid("found");
  breakIns.getSideOutput(unfinished).sinkTo(rows.sink()).uid("unfinished");
}

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>>,
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

async function undisturbed(parallelism: number): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: 1 });
  const rows = new CommittedRows();
  const env = environment(platform, { "parallelism.default": String(parallelism) });
  build(env, rows, (value) => value);
  await platform.run(() => env.execute(), 3_600_000);
  return rows.rows;
}

/** What the definition says, user by user. */
function expected(): readonly string[] {
  const rows: string[] = [];
  for (let user = 0; user < 7; user++) {
    let failures: number[] = [];
    for (let index = user; index < COUNT; index += 7) {
      const { at, ok, user: name } = login(index);
      if (!ok) failures.push(at);
      else {
        const first = failures.findIndex((start) => at - start < 4000);
        const inTime = first < 0 ? [] : failures.slice(first);
        if (inTime.length >= 2) rows.push(JSON.stringify(`${name} after ${inTime.join(",")}`));
        failures = [];
      }
    }
  }
  return rows.sort();
}

const found = (rows: readonly string[]): readonly string[] => rows.filter((row) => row.includes("after"));

describe("F34: patterns in jobs", () => {
  test.each([1, 3])(
    "S65: the pattern of a break-in is found at parallelism %i as its definition says",
    async (parallelism) => {
      const rows = await undisturbed(parallelism);
      expect(found(rows)).toEqual(expected());
      expect(expected().length).toBeGreaterThan(20);
      expect(rows.length).toBeGreaterThan(expected().length);
    },
  );

  test.each([1, 2])("restarts in the middle of matches change nothing, at parallelism %i", async (parallelism) => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const rows = new CommittedRows();
    const env = environment(platform, {
      "parallelism.default": String(parallelism),
      "execution.checkpointing.interval": "150 ms",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "10",
      "restart-strategy.fixed-delay.delay": "10 ms",
    });
    const failAt = new Set([20_000, 33_300, 51_000]);
    build(env, rows, (value) => {
      if (failAt.delete(value.at)) throw new Error("once");
      return value;
    });
    await platform.run(() => env.execute(), 3_600_000);
    expect(failAt.size).toBe(0);
    expect(rows.rows).toEqual(await undisturbed(1));
  });

  test("a job that was stopped goes on at another parallelism", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const rows = new CommittedRows();
    const settings = { "execution.checkpointing.interval": "1 h", "execution.checkpointing.dir": "/checkpoints" };
    const path = await platform.run(async () => {
      const env = environment(platform, { ...settings, "parallelism.default": "1" });
      build(env, rows, (value) => value);
      const client = await env.executeAsync();
      await new Promise<void>((resolve) => platform.clock.after(1500, resolve));
      return client.stop();
    }, 3_600_000);
    await platform.run(async () => {
      const env = environment(platform, {
        ...settings,
        "parallelism.default": "3",
        "execution.state-recovery.path": path!,
      });
      build(env, rows, (value) => value);
      await env.execute();
    }, 3_600_000);
    expect(rows.rows).toEqual(await undisturbed(1));
  });

  test("a stream without keys is matched as a whole by one subtask", async () => {
    const platform = createSimulatedPlatform({ seed: 6 });
    const rows = new CommittedRows();
    const env = environment(platform, { "parallelism.default": "3" });
    const logins = env.fromSource(
      DataGeneratorSource.of(login, 40),
      { boundedOutOfOrderness: "5 s", timestamp: (value: Login) => value.at },
      "logins",
    );
    CEP.pattern(logins, (pattern) => pattern.begin("one").next("two"))
      .select((match) => match.two[0].at - match.one[0].at)
      .uid("pairs")
      .sinkTo(rows.sink());
    await platform.run(() => env.execute(), 3_600_000);
    expect(rows.rows).toEqual(Array.from({ length: 39 }, () => "100"));
  });
});

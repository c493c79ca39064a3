import { Configuration, OutputTag, StreamExecutionEnvironment } from "millrace";
import { CommittedRows, createSimulatedPlatform } from "millrace/testing";
import { expect, test } from "vitest";
import { CEP } from "./cep.ts";

interface Login {
  readonly user: string;
  readonly at: number;
  readonly ok: boolean;
}

/** The last user's failure is never followed by anything: only the end of time ends it. */
const logins: readonly Login[] = [
  ...Array.from({ length: 90 }, (_, i) => ({ user: `u${i % 5}`, at: i * 100, ok: (i * 7919) % 5 < 2 })),
  { user: "u9", at: 8_999, ok: false },
];

const unfinished = new OutputTag<string>("unfinished");

async function matchesOf(mode: "BATCH" | "STREAMING", parallelism: number): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: 3 });
  const entries = Object.entries({ "execution.runtime-mode": mode, "parallelism.default": String(parallelism) });
  const configuration = Configuration.fromEntries(entries.map(([key, value]) => ({ key, value })));
  const env = StreamExecutionEnvironment.on(platform, configuration);
  const rows = new CommittedRows();
  const byUser = env
    .fromData(logins)
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (login) => login.at })
    .keyBy((login) => login.user);
  const breakIns = CEP.pattern(byUser, (pattern) =>
    pattern
      .begin("failure")
      .where((login) => !login.ok)
      .followedBy("success")
      .where((login) => login.ok)
      .within("700 ms"),
  )
    .select(
      unfinished,
      ({ failure }, timeoutMs) => `${failure[0]?.user} ${failure[0]?.at} unfinished at ${timeoutMs}`,
      ({ failure, success }) => `${failure[0].user} ${failure[0].at} ${success[0].at}`,
    )
    .uid("break-ins");
  breakIns.sinkTo(rows.sink()).uid("found");
  breakIns.getSideOutput(unfinished).sinkTo(rows.sink()).uid("unfinished");
  const quiet = CEP.pattern(byUser, (pattern) =>
    pattern
      .begin("failure")
      .where((login) => !login.ok)
      .notFollowedBy("success")
      .where((login) => login.ok)
      .within("700 ms"),
  )
    .select(({ failure }) => `${failure[0].user} ${failure[0].at} alone`)
    .uid("alone");
  quiet.sinkTo(rows.sink()).uid("alone-rows");
  await platform.run(() => env.execute());
  return rows.rows;
}

test.each([1, 3])(
  "S46, F34: BATCH finds the matches and the partial matches whose time is over of a stream, at parallelism %i",
  async (parallelism) => {
    const streamed = await matchesOf("STREAMING", parallelism);
    expect(streamed).toContain('"u9 8999 unfinished at 9699"');
    expect(streamed).toContain('"u9 8999 alone"');
    expect(await matchesOf("BATCH", parallelism)).toEqual(streamed);
  },
);

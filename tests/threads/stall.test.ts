import { Configuration, type JobClient, type StallExplanation, StreamExecutionEnvironment } from "millrace";
import { expect, test } from "vitest";

async function start(target: string, blocks: boolean): Promise<JobClient> {
  const configuration = Configuration.fromEntries([
    { key: "parallelism.default", value: 2 },
    { key: "execution.target", value: target },
  ]);
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/stall-job.ts", import.meta.url), {
    configuration,
    args: ["--blocks", String(blocks)],
  });
  return env.executeAsync("stalled");
}

/** Asks until the claim holds; the test's timeout is the only limit. */
async function explainedUntil(
  client: JobClient,
  holds: (explanation: StallExplanation) => boolean,
): Promise<StallExplanation> {
  for (;;) {
    const explanation = await client.explainStall();
    if (holds(explanation)) return explanation;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test.each(["threads", "in-thread"])("U09: a window says what it waits for, in every thread (%s)", async (target) => {
  const client = await start(target, false);
  try {
    const all = await explainedUntil(client, ({ findings }) =>
      findings.some(({ what, keys, cause }) => what === "window" && keys === 7 && cause.kind === "behind"),
    );
    const finding = all.findings.find(({ what }) => what === "window")!;
    expect(finding).toMatchObject({ operator: "hourly", subtasks: [0, 1], neededMs: 3_599_999 });
    expect(finding.path.map(({ at }) => at.operator)).toContain("Source: numbers");
  } finally {
    await client.cancel();
  }
});

test("U09: a thread that is in a function that does not return is named with the function's place", async () => {
  const client = await start("threads", true);
  try {
    const { findings } = await explainedUntil(client, (explanation) =>
      explanation.findings.some(({ cause }) => cause.kind === "noAnswer"),
    );
    expect(findings[0]!.what).toBe("job");
    expect(findings[0]!.text).toMatch(/the thread of slot \d is blocked, it is in "Trouble.*stall-job\.ts/);
  } finally {
    await client.cancel();
  }
});

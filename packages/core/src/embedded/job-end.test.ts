import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { after, checkpointed, counted, halfway, numbers } from "../testing/upgrade-jobs.ts";
import { EmbeddedJob } from "./embedded-job.ts";

test("M4: a job that is cancelled while it removes its checkpoints has FINISHED, and the cancellation waits for it", async () => {
  const platform = createSimulatedPlatform({ seed: 13160 });
  const configuration = Configuration.fromEntries([
    // The only checkpoint is the one at the end.
    { key: "execution.checkpointing.interval", value: "1 h" },
    { key: "execution.checkpointing.dir", value: "/checkpoints" },
    { key: "execution.checkpointing.externalized-checkpoint-retention", value: "RETAIN_ON_CANCELLATION" },
  ]);
  const env = StreamExecutionEnvironment.on(platform, configuration);
  const rows = new CommittedRows();
  env.fromSequence(1, 10).sinkTo(rows.sink()).uid("rows");
  await platform.run(async () => {
    const job = await EmbeddedJob.start({
      name: "ending",
      transformations: env.getTransformations(),
      configuration,
      platform,
      onWarning: () => {},
    });
    let cancelled: Promise<unknown> | undefined;
    platform.storage.onEffect = ({ operation, path, phase }) => {
      if (operation === "remove" && path.endsWith("_metadata") && phase === "after") {
        platform.clock.soon(() => {
          cancelled ??= job.cancel().then(() => platform.fs.stat(`/checkpoints/${job.jobId}`));
        });
      }
      return undefined;
    };
    expect((await job.result).status).toBe("FINISHED");
    expect(job.status).toBe("FINISHED");
    expect(cancelled).toBeDefined();
    expect(await cancelled).toBeUndefined();
  });
  expect(rows.rows).toHaveLength(10);
});

test("a savepoint that a cancelled job cannot complete any more is refused with that reason, and leaves nothing", async () => {
  const platform = createSimulatedPlatform({ seed: 44 });
  await platform.run(async () => {
    const client = await halfway(
      platform,
      { ...checkpointed, "execution.checkpointing.data-inline-threshold": "0 b" },
      (env) => counted(numbers(env), "a", "counts").sinkTo(new CommittedRows().sink()).uid("rows"),
    );
    let isTaken = false;
    platform.storage.onEffect = ({ operation, path }) => {
      if (operation !== "sync" || !path.startsWith("/savepoints/")) return undefined;
      isTaken = true;
      return { kind: "delay", delayMs: 500 };
    };
    const taken = client.triggerSavepoint("/savepoints").catch((error: unknown) => String(error));
    while (!isTaken) await after(platform, 1);
    await client.cancel();
    expect(await taken).toMatch(/MR_SAVEPOINT_FAILED.*the job is at its end/);
    expect(await platform.fs.list("/savepoints")).toEqual([]);
  }, 60_000);
});

import { Configuration, type JobClient, type JobProgress, StreamExecutionEnvironment } from "millrace";
import { expect, test } from "vitest";

async function start(target: string): Promise<JobClient> {
  const configuration = Configuration.fromEntries([
    { key: "parallelism.default", value: 2 },
    { key: "execution.target", value: target },
    { key: "taskmanager.network.memory.buffers-per-channel", value: 1 },
  ]);
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/slow-sink-job.ts", import.meta.url), {
    configuration,
    args: ["--count", "100000000"],
  });
  return env.executeAsync("slow");
}

/** Looks until the claim holds; the test's timeout is the only limit. */
async function progressUntil(client: JobClient, holds: (progress: JobProgress) => boolean): Promise<JobProgress> {
  for (;;) {
    const progress = client.getProgress();
    if (holds(progress)) return progress;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test.each(["threads", "in-thread"])(
  "a slow task is busy and holds its producer up, and both can be seen (%s)",
  async (target) => {
    const client = await start(target);
    try {
      const { tasks } = await progressUntil(
        client,
        (progress) => progress.tasks[0]?.backPressure === "HIGH" && progress.tasks[1]!.busyMsPerSecond > 300,
      );
      expect(tasks).toHaveLength(2);
      expect(tasks[1]!.name).toContain("Slow");
      expect(tasks[1]!.backPressure).toBe("OK");
      const metrics = await client.getMetrics();
      const valuesOf = (name: string): readonly number[] =>
        metrics.filter((metric) => metric.name === name).map((metric) => metric.value as number);
      expect(valuesOf("recordsSeen")).toHaveLength(2);
      expect(Math.min(...valuesOf("recordsSeen"))).toBeGreaterThan(0);
      expect(valuesOf("busyTimeMsPerSecond")).toHaveLength(4);
      // Its share in the progress was HIGH a moment ago; the metric is of the time since.
      expect(Math.max(...valuesOf("backPressuredTimeMsPerSecond"))).toBeGreaterThan(0);
    } finally {
      await client.cancel();
    }
    expect(await client.getJobStatus()).toBe("CANCELED");
  },
);

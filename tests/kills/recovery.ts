/**
 * Recovery: `npm run recovery -- [--state-mb 100] [--kills 40]`. How long nothing comes out of a job when a TaskManager is
 * killed with SIGKILL: from its last output before to the first one after, and what that time is made of. Run `npm run build`
 * before, on a machine that does nothing else.
 */
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { JobLine } from "./process-lines.ts";
import { makeRecoveryJob, type Output, readOutputs } from "./recovery-job.ts";
import { TestCluster } from "./test-cluster.ts";

const PARALLELISM = 4;
const RATE_PER_SECOND = 1000;
const VALUE_CHARS = 1000;
const CHECKPOINT_INTERVAL_MS = 2000;
const RESTART_DELAY_MS = 10;

const { values } = parseArgs({
  options: { "state-mb": { type: "string", default: "100" }, kills: { type: "string", default: "40" } },
});
const keys = Math.round((Number(values["state-mb"]) * 1e6) / VALUE_CHARS);
const kills = Number(values.kills);

/** Milliseconds, in the order in which they pass. */
interface Recovery {
  /** Until the job is FAILING. */
  readonly detection: number;
  /** Until what was left of the attempt has ended. */
  readonly cancellation: number;
  /** What the restart strategy waits. */
  readonly delay: number;
  /** Until all subtasks run: slots, threads, state. */
  readonly deployment: number;
  readonly firstOutput: number;
  /** From the last output before to the first one after. */
  readonly silence: number;
  /** The same to the first output that had not been there before: what is replayed comes first. */
  readonly untilNew: number;
}

const directory = await mkdtemp(join(tmpdir(), "millrace-recovery-"));
const output = join(directory, "output");
const cluster = await TestCluster.start({
  directory: join(directory, "cluster"),
  // One is to spare: the job goes on before the one that was killed has been replaced.
  taskManagers: 3,
  slots: 2,
  heartbeatTimeoutMs: 5000,
  namespaces: undefined,
});
try {
  const file = join(directory, "recovery.mjs");
  await makeRecoveryJob(file);
  const given = { keys, chars: VALUE_CHARS, rate: RATE_PER_SECOND, first: Date.now() };
  const args = ["--output", output, ...Object.entries(given).flatMap(([key, value]) => [`--${key}`, String(value)])];
  const jobId = await cluster.run(
    { file, args },
    {
      "parallelism.default": String(PARALLELISM),
      "execution.checkpointing.interval": `${CHECKPOINT_INTERVAL_MS} ms`,
      "execution.checkpointing.dir": join(directory, "checkpoints"),
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "1000000",
      "restart-strategy.fixed-delay.delay": `${RESTART_DELAY_MS} ms`,
    },
  );
  await filled();
  console.log(`recovery: ${values["state-mb"]} MB in ${keys} keys, parallelism ${PARALLELISM}, ${kills} kills`);
  const recoveries: Recovery[] = [];
  for (let number = 0; number < kills; number++) {
    recoveries.push(await recover(jobId));
    const { silence, untilNew, ...phases } = recoveries.at(-1)!;
    const parts = Object.entries(phases).map(([name, ms]) => `${name} ${Math.round(ms)}`);
    console.log(`${number + 1}: ${Math.round(silence)} ms, new ${Math.round(untilNew)} ms: ${parts.join(", ")}`);
  }
  console.table(
    Object.fromEntries(
      (Object.keys(recoveries[0]!) as (keyof Recovery)[]).map((name) => [
        name,
        distribution(recoveries.map((each) => each[name])),
      ]),
    ),
  );
} finally {
  await cluster.close();
  await rm(directory, { recursive: true, force: true });
}

async function filled(): Promise<void> {
  for (let count = 0; count < keys; count = (await readOutputs(output).catch(() => [])).length) await sleep(500);
}

async function recover(jobId: string): Promise<Recovery> {
  await checkpointed(jobId, 2);
  const used = await cluster.usedTaskManager();
  await truncate(output);
  await sleep(300 + Math.random() * CHECKPOINT_INTERVAL_MS);
  const killedMs = performance.timeOrigin + performance.now();
  const replaced = cluster.killTaskManager(used);
  await cluster.untilJob(
    "restarted",
    jobId,
    ({ status, timestampsMs }) => status === "RUNNING" && timestampsMs.RUNNING! > killedMs,
  );
  await checkpointed(jobId, 2);
  await replaced;
  await cluster.until("all TaskManagers are registered", () => cluster.registered === 3);
  return measured(await readOutputs(output), killedMs, cluster.job(jobId)!.timestampsMs);
}

async function checkpointed(jobId: string, more: number): Promise<void> {
  const { completed } = cluster.job(jobId)!;
  await cluster.untilJob("checkpointed", jobId, (job) => job.completed >= completed + more);
}

function measured(outputs: readonly Output[], killedMs: number, at: JobLine["timestampsMs"]): Recovery {
  const before = outputs.filter(({ atMs }) => atMs <= killedMs);
  const last = before.at(-1)!;
  const known = new Set(before.map(({ n }) => n));
  const first = outputs.find(({ attempt }) => attempt > last.attempt)!;
  const firstNew = outputs.find(({ attempt, n }) => attempt > last.attempt && !known.has(n))!;
  return {
    detection: at.FAILING! - killedMs,
    cancellation: at.RESTARTING! - at.FAILING!,
    delay: at.INITIALIZING! - at.RESTARTING!,
    deployment: at.RUNNING! - at.INITIALIZING!,
    firstOutput: first.atMs - at.RUNNING!,
    silence: first.atMs - last.atMs,
    untilNew: firstNew.atMs - last.atMs,
  };
}

function distribution(samples: readonly number[]): Readonly<Record<"p50" | "p90" | "p99" | "max", number>> {
  const sorted = samples.toSorted((left, right) => left - right);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

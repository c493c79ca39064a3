/** One run of a checked job: on a simulated machine, with its records arriving as a case says, stopped and restored on the way. */

import {
  CHECKPOINTING_INTERVAL,
  CHECKPOINTS_DIRECTORY,
  EXTERNALIZED_CHECKPOINT_RETENTION,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { DEFAULT_PARALLELISM } from "../config/pipeline-options.ts";
import { STATE_RECOVERY_PATH } from "../config/recovery-options.ts";
import { RESTART_STRATEGY_TYPE } from "../config/restart-options.ts";
import { MAX_FUTURE_SKEW } from "../config/source-options.ts";
import { EmbeddedJob } from "../embedded/embedded-job.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { SourceSpec } from "../operators/operator-spec.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { CommittedRows } from "./committed-rows.ts";
import { type Arrival, Gate, ReplayedSource } from "./replayed-source.ts";
import { type JobUnderTest, pipelineOf, withTestEnds } from "./test-ends.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/** A crash: the job is ended without warning some records after a checkpoint, and goes on from it. @internal */
export interface Restart {
  /** The part of the records, in percent, before the checkpoint. */
  readonly atPercent: number;
  /** The part that is read after it and read again. */
  readonly againPercent: number;
  /** From then on. */
  readonly parallelism: number;
}

/** @internal */
export interface RunPlan {
  readonly seed: number;
  readonly parallelism: number;
  readonly restarts: readonly Restart[];
  /** By the name of the source. */
  readonly arrivalOf: (name: string, spec: SourceSpec) => Arrival | undefined;
  /** Called when all sources have been asked for. */
  readonly onBuilt: () => void;
}

/** What every sink has committed, by its name; in the order of the commits. @internal */
export type RunResult = ReadonlyMap<string, readonly unknown[]>;

/** @internal */
export interface CheckedJob {
  readonly job: JobUnderTest;
  readonly args: readonly string[];
  readonly configuration: Configuration;
}

const CHECKPOINT_INTERVAL_MS = 10;
const WAIT_TURNS_MAX = 100_000;
/** Simulated, per run: a day. */
const RUN_MS_MAX = 86_400_000;

/** @throws what the job fails with @internal */
export async function runChecked(checked: CheckedJob, plan: RunPlan): Promise<RunResult> {
  const platform = createSimulatedPlatform({ seed: plan.seed });
  const sinks = new Map<string, CommittedRows>();
  await platform.run(async () => {
    let parallelism = plan.parallelism;
    let path: string | undefined;
    for (const restart of plan.restarts) {
      const { job, gate } = await start(checked, plan, platform, sinks, parallelism, path);
      path = await crash(job, gate, restart, platform);
      parallelism = restart.parallelism;
    }
    const { job, gate } = await start(checked, plan, platform, sinks, parallelism, path);
    gate.openAll();
    const { status, cause } = await job.result;
    if (status !== "FINISHED") throw cause;
  }, RUN_MS_MAX);
  return new Map([...sinks].map(([name, rows]) => [name, rows.inOrder.map((row) => JSON.parse(row) as unknown)]));
}

async function start(
  { job, args, configuration }: CheckedJob,
  plan: RunPlan,
  platform: SimulatedPlatform,
  sinks: Map<string, CommittedRows>,
  parallelism: number,
  path: string | undefined,
): Promise<{ readonly job: EmbeddedJob; readonly gate: Gate }> {
  const settings = configuration.copy();
  settings.set(DEFAULT_PARALLELISM, parallelism);
  const built = await pipelineOf(job, settings, args);
  // After the job has had its say: these are the check's.
  settings.set(CHECKPOINTING_INTERVAL, CHECKPOINT_INTERVAL_MS);
  // A job that always fails has to fail, not to be restarted for ever.
  if (!settings.isSet(RESTART_STRATEGY_TYPE)) settings.set(RESTART_STRATEGY_TYPE, "fixed-delay");
  settings.set(CHECKPOINTS_DIRECTORY, "/checkpoints");
  settings.set(EXTERNALIZED_CHECKPOINT_RETENTION, "RETAIN_ON_CANCELLATION");
  // The simulated wall clock has nothing to do with the times of the records.
  settings.set(MAX_FUTURE_SKEW, Number.MAX_SAFE_INTEGER);
  if (path !== undefined) settings.set(STATE_RECOVERY_PATH, path);
  const gate = new Gate();
  const transformations = replaceEnds(built, plan, gate, sinks);
  plan.onBuilt();
  const options = { name: "checked", transformations, configuration: settings, platform, onWarning: () => {} };
  return { job: await EmbeddedJob.start(options), gate };
}

function replaceEnds(
  built: readonly Transformation[],
  plan: RunPlan,
  gate: Gate,
  sinks: Map<string, CommittedRows>,
): readonly Transformation[] {
  const seen = new Set<string>();
  return withTestEnds(built, {
    sourceParallelism: undefined,
    source: (spec, name) => {
      const arrival = plan.arrivalOf(name, spec);
      if (arrival !== undefined) return { ...spec, source: new ReplayedSource(arrival, gate) as never };
      if (spec.source.boundedness === "bounded") return undefined;
      throw testKitMisused(
        "A source without end has no records to check the job with",
        `"${name}"`,
        "Name it in inputs",
      );
    },
    sink: (_spec, name) => {
      if (seen.has(name)) throw testKitMisused("Two sinks have the same name", `"${name}"`, "Name them with name()");
      seen.add(name);
      const rows = sinks.get(name) ?? new CommittedRows();
      sinks.set(name, rows);
      return { kind: "sink", sink: rows.sink() as never };
    },
  });
}

/** Returns the directory of the checkpoint that the job had when it was ended. */
async function crash(job: EmbeddedJob, gate: Gate, restart: Restart, platform: SimulatedPlatform): Promise<string> {
  const atShare = restart.atPercent / 100;
  gate.open(atShare);
  await waitUntil(job, platform, () => gate.isReached);
  const before = job.progress().checkpoints.completed;
  await waitUntil(job, platform, () => job.progress().checkpoints.completed > before);
  gate.open(atShare + restart.againPercent / 100);
  await waitUntil(job, platform, () => gate.isReached);
  const { lastPath } = job.progress().checkpoints;
  await job.cancel();
  return job.progress().checkpoints.lastPath ?? lastPath!;
}

async function waitUntil(job: EmbeddedJob, platform: SimulatedPlatform, holds: () => boolean): Promise<void> {
  let ended: unknown;
  void job.result.then((result) => {
    ended = result.cause ?? result.status;
  });
  for (let turn = 0; !holds(); turn++) {
    if (ended !== undefined) throw ended;
    if (turn > WAIT_TURNS_MAX)
      throw testKitMisused("The job takes no checkpoint", "none", "Look for an operator that refuses them");
    await new Promise<void>((resolve) => void platform.clock.after(1, resolve));
  }
}

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type JobClient, type JobProgress, StreamExecutionEnvironment } from "millrace";
import { planRound, type RoundOptions, type RoundPlan } from "./round-plan.ts";
import { type RoundCounts, verifyRound } from "./verify-round.ts";

const MIB = 2 ** 20;
const SAMPLE_INTERVAL_MS = 250;
/** How long a round may take in addition to twice what was planned. One that is longer is stuck. */
const ROUND_MS_GRACE = 120_000;

export interface RoundReport extends RoundCounts {
  readonly ms: number;
  readonly restarts: number;
  readonly checkpoints: number;
  readonly taskCount: number;
  /** Tasks that were under high back-pressure at some time. */
  readonly tasksHeldUp: number;
  /** Share of the samples in which a task was under high back-pressure. */
  readonly heldUpShare: number;
  /** Resident memory of the process, all threads included, over the round. */
  readonly residentMib: readonly number[];
}

/**
 * Runs one round in a directory of its own, which is removed when all was right.
 * @throws Error with the plan, when a record was lost, came twice, late or changed, or the round is stuck
 */
export async function runRound(options: RoundOptions): Promise<RoundReport> {
  const plan = planRound(options);
  const directory = await mkdtemp(join(tmpdir(), "millrace-soak-"));
  try {
    const report = await runIn(directory, plan, options.ms);
    await rm(directory, { recursive: true });
    return report;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(`${cause}\n  plan ${JSON.stringify(plan)}\n  files in ${directory}`, { cause: error });
  }
}

async function runIn(directory: string, plan: RoundPlan, plannedMs: number): Promise<RoundReport> {
  const files = { directory: join(directory, "totals"), rows: join(directory, "rows") };
  await mkdir(files.directory);
  const entries = Object.entries({
    ...plan.settings,
    "execution.checkpointing.dir": join(directory, "checkpoints"),
  }).map(([key, value]) => ({ key, value }));
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./soak-job.ts", import.meta.url), {
    configuration: Configuration.fromEntries(entries),
    args: ["--plan", JSON.stringify(plan), "--directory", files.directory, "--rows", files.rows],
  });
  const startedMs = performance.now();
  const client = await env.executeAsync("soak");
  const observer = new RoundObserver(client, 2 * plannedMs + ROUND_MS_GRACE);
  const result = await observer.untilEnd();
  const ms = performance.now() - startedMs;
  const { restartCount: restarts, checkpointsCompleted: checkpoints } = result;
  return { ...verifyRound(plan, files, restarts), ...observer.seen(), ms, restarts, checkpoints };
}

/** Samples a job while it runs, and cancels it when it is stuck. */
class RoundObserver {
  readonly #client: JobClient;
  readonly #limitMs: number;
  readonly #residentMib: number[] = [];
  readonly #heldUp = new Set<string>();
  #samples = 0;
  #samplesHeldUp = 0;
  #taskCount = 0;
  #stuck: JobProgress | undefined;

  constructor(client: JobClient, limitMs: number) {
    this.#client = client;
    this.#limitMs = limitMs;
  }

  async untilEnd(): ReturnType<JobClient["getJobExecutionResult"]> {
    const sampling = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
    const limit = setTimeout(() => {
      this.#stuck = this.#client.getProgress();
      void this.#client.cancel();
    }, this.#limitMs);
    try {
      return await this.#client.getJobExecutionResult();
    } catch (error) {
      if (this.#stuck === undefined) throw error;
      throw new Error(`stuck: not finished after ${this.#limitMs} ms: ${JSON.stringify(this.#stuck)}`, {
        cause: error,
      });
    } finally {
      clearInterval(sampling);
      clearTimeout(limit);
    }
  }

  seen(): Pick<RoundReport, "taskCount" | "tasksHeldUp" | "heldUpShare" | "residentMib"> {
    return {
      taskCount: this.#taskCount,
      tasksHeldUp: this.#heldUp.size,
      heldUpShare: this.#samplesHeldUp / Math.max(1, this.#samples),
      residentMib: this.#residentMib,
    };
  }

  #sample(): void {
    this.#residentMib.push(process.memoryUsage.rss() / MIB);
    const { tasks } = this.#client.getProgress();
    const high = tasks.filter(({ backPressure }) => backPressure === "HIGH");
    for (const { name } of high) this.#heldUp.add(name);
    this.#samples++;
    this.#taskCount = Math.max(this.#taskCount, tasks.length);
    if (high.length > 0) this.#samplesHeldUp++;
  }
}

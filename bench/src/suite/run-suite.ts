/** Runs what the table of targets needs. A run that fails leaves its figure out and does not stop the others. */
import { MillraceError } from "millrace/internal";
import type { EngineName, EngineOptions } from "../engine-options.ts";
import { runEngine, runLatencies } from "../engine-runs.ts";
import { JOB_NAMES, type JobName } from "../job-names.ts";
import { note, print } from "../output.ts";
import { medianOf } from "../ratios.ts";
import { measureFlinkStartUp, measureStartUp } from "./start-up.ts";
import type { SuiteOptions } from "./suite-options.ts";
import type { CheckpointFigures, JobFigures, LatencyFigures, StartUpFigures, SuiteResults } from "./suite-results.ts";

const CHECKPOINT_INTERVAL_MS = 1000;
/** One whose state grows with the input, and one whose windows come and go. */
const CHECKPOINT_JOBS: readonly JobName[] = ["ds-keyed-sum", "ds-tumbling"];
const LATENCY_RUNS = [1, 2].flatMap((parallelism) =>
  [0, CHECKPOINT_INTERVAL_MS].map((checkpointIntervalMs) => ({ parallelism, checkpointIntervalMs })),
);

/** @internal */
export async function runSuite(options: SuiteOptions): Promise<SuiteResults> {
  const { parts, against } = options;
  // The hand-written loop has one thread.
  const threaded = against.filter((engine) => engine !== "hand");
  return {
    against,
    ...(parts.includes("single") && { single: await measureJobs(options, 1, ["millrace", ...against]) }),
    ...(parts.includes("parallel") && { parallel: await measureJobs(options, 2, ["millrace", ...threaded]) }),
    ...(parts.includes("checkpoints") && { checkpoints: await measureCheckpoints(options) }),
    ...(parts.includes("latency") && { latencies: await measureLatencies(options) }),
    ...(parts.includes("start-up") && { startUp: await measureStartUps(options) }),
  };
}

async function measureJobs(
  options: SuiteOptions,
  parallelism: number,
  engines: readonly EngineName[],
): Promise<readonly JobFigures[]> {
  const figures: JobFigures[] = [];
  for (const job of JOB_NAMES) {
    const run = engineOptionsOf(options, job, parallelism);
    const nanos = await inTurns(options.repeat, engines, (engine) => cpuNanosOf(options, engine, run));
    const measured = engines.map((engine, at) => [engine, nanos[at]]).filter(([, value]) => value !== undefined);
    figures.push({ job, cpuNanos: Object.fromEntries(measured) });
  }
  return figures;
}

async function measureCheckpoints(options: SuiteOptions): Promise<readonly CheckpointFigures[]> {
  const figures: CheckpointFigures[] = [];
  for (const job of CHECKPOINT_JOBS) {
    const run = engineOptionsOf(options, job, 1);
    const [withoutNanos, withNanos] = await inTurns(options.repeat, [0, CHECKPOINT_INTERVAL_MS], (intervalMs) =>
      cpuNanosOf(options, "millrace", { ...run, checkpointIntervalMs: intervalMs }),
    );
    figures.push({ job, withoutNanos, withNanos });
  }
  return figures;
}

/** Latencies are of many events already: each is measured once. */
async function measureLatencies(options: SuiteOptions): Promise<readonly LatencyFigures[]> {
  const { ratePerSecond, latencySeconds } = options;
  const figures: LatencyFigures[] = [];
  for (const { parallelism, checkpointIntervalMs } of LATENCY_RUNS) {
    const run: EngineOptions = {
      ...engineOptionsOf(options, "ds-keyed-sum", parallelism),
      events: ratePerSecond * latencySeconds,
      checkpointIntervalMs,
      ratePerSecond,
    };
    const what = `latency at ${ratePerSecond} events a second, p = ${parallelism}, ${latencySeconds} s`;
    const report = await attempt(what, async () => {
      const measured = await runLatencies(run);
      print(measured);
      return measured;
    });
    figures.push({ parallelism, checkpointIntervalMs, report });
  }
  return figures;
}

async function measureStartUps(options: SuiteOptions): Promise<StartUpFigures> {
  const commands = {
    built: () => measureStartUp("built"),
    sources: () => measureStartUp("sources"),
    flink: () => measureFlinkStartUp(options.flink),
  };
  const names = (["built", "sources", "flink"] as const).filter(
    (name) => name !== "flink" || options.against.includes("flink"),
  );
  const measured = await inTurns(options.repeat, names, (name) =>
    attempt(`a job of one record, ${name}`, async () => {
      const wallMs = Math.round(await commands[name]());
      print({ query: "one-record", command: name, wallMs });
      return wallMs;
    }),
  );
  return { builtMs: measured[0], sourcesMs: measured[1], flinkMs: measured[2] };
}

function engineOptionsOf(options: SuiteOptions, job: JobName, parallelism: number): EngineOptions {
  const { events, seed, eventsPerSecond, warm, target } = options;
  return { job, events, seed, eventsPerSecond, warm, parallelism, target, backend: "hashmap", checkpointIntervalMs: 0 };
}

async function cpuNanosOf(
  { flink }: SuiteOptions,
  engine: EngineName,
  run: EngineOptions,
): Promise<number | undefined> {
  const checkpoints = run.checkpointIntervalMs > 0 ? ", with checkpoints" : "";
  return attempt(`${run.job} on ${engine}, p = ${run.parallelism}${checkpoints}`, async () => {
    const report = await runEngine(engine, run, flink);
    print(report);
    return (report.processCpuSeconds / report.measuredEvents) * 1e9;
  });
}

/** Medians over the rounds, in which the subjects take turns: a machine that slows down slows all of them. */
async function inTurns<S>(
  rounds: number,
  subjects: readonly S[],
  measure: (subject: S) => Promise<number | undefined>,
): Promise<readonly (number | undefined)[]> {
  const values = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, subject] of subjects.entries()) {
      const value = await measure(subject);
      if (value !== undefined) values[at]!.push(value);
    }
  }
  return values.map((measured) => (measured.length === 0 ? undefined : medianOf(measured)));
}

/** What can be run without the rest is; why something could not is said at once. */
async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
  note(`${what} …`);
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    note(error.message);
    return undefined;
  }
}

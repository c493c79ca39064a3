import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigEntry, Configuration, type JobExecutionResult, StreamExecutionEnvironment } from "millrace";
import { invariant } from "millrace/internal";
import { listenToBench, type SinkClosed } from "./bench-channel.ts";
import type { EngineOptions, EngineReport, LatencyReport } from "./engine-options.ts";
import { DEFAULT_CHANNEL, jobArgumentsOf } from "./job-run.ts";
import build from "./jobs/job-module.ts";
import { LatencyHistogram } from "./latency/latency-histogram.ts";
import { Meter } from "./meter.ts";
import type { Instant } from "./monotonic-clock.ts";
import { writeRows } from "./rows-file.ts";

const JOB_MODULE = new URL("./jobs/job-module.ts", import.meta.url);

/** How long the sinks' last messages may take once the job has finished. */
const MESSAGES_MS_MAX = 30_000;

/** Runs a job on the engine in this process and measures its CPU time. @internal */
export async function runMillrace(options: EngineOptions): Promise<EngineReport> {
  const meter = new Meter(options);
  const { result, sinks } = await runJobModule(options, {
    first: (at) => meter.first(at),
    mark: (at) => meter.mark(at),
    finished: () => meter.finish(),
  });
  const lines = sinks.flatMap((sink) => sink.lines ?? []);
  if (options.rowsFile !== undefined) await writeRows(options.rowsFile, lines.sort());
  return meter.report({
    engine: "millrace",
    parallelism: options.parallelism,
    target: options.target,
    backend: options.backend,
    checkpoints: result.checkpointsCompleted,
    outCount: sumOf(sinks, (sink) => sink.rows),
    rowsWritten: lines.length,
    threadsGcMs: sumOf(sinks, (sink) => sink.gcMs),
  });
}

/** Runs the keyed sum at a fixed rate in this process and measures how late its rows are. @internal */
export async function runLatency(options: EngineOptions, ratePerSecond: number): Promise<LatencyReport> {
  const meter = new Meter(options);
  const { result, sinks } = await runJobModule(
    { ...options, ratePerSecond },
    { first: (at) => meter.first(at), mark: (at) => meter.mark(at), finished: () => meter.finish() },
  );
  const latencies = new LatencyHistogram();
  for (const sink of sinks) if (sink.latencies !== undefined) latencies.add(sink.latencies);
  const { target, parallelism, checkpointIntervalMs } = options;
  const { query, jobSeconds, processCpuSeconds, gcMs } = await meter.report({
    engine: "millrace",
    parallelism,
    backend: options.backend,
    outCount: 0,
    rowsWritten: 0,
    threadsGcMs: sumOf(sinks, (sink) => sink.gcMs),
  });
  return {
    query,
    engine: "millrace",
    target,
    p: parallelism,
    ratePerSecond,
    checkpointMs: checkpointIntervalMs,
    checkpoints: result.checkpointsCompleted,
    seconds: jobSeconds,
    rows: latencies.total,
    p50Ms: latencies.quantileMs(0.5),
    p90Ms: latencies.quantileMs(0.9),
    p99Ms: latencies.quantileMs(0.99),
    p999Ms: latencies.quantileMs(0.999),
    maxMs: latencies.quantileMs(1),
    processCpuSeconds,
    gcMs,
  };
}

interface RunListener {
  first(at: Instant): void;
  mark(at: Instant): void;
  /** The job has finished; the sinks' messages may still be under way. */
  finished(): void;
}

interface RunOutcome {
  readonly result: JobExecutionResult;
  /** One a subtask of the sink. */
  readonly sinks: readonly SinkClosed[];
}

async function runJobModule(options: EngineOptions, listener: RunListener): Promise<RunOutcome> {
  const { job, parallelism, checkpointIntervalMs } = options;
  // Several runs of one process, as in tests, must not hear each other.
  const channel = `${DEFAULT_CHANNEL}-${randomUUID()}`;
  const sinks = new SinkReports(parallelism);
  const stopListening = listenToBench(channel, (message) => {
    if (message.kind === "closed") sinks.add(message);
    else listener[message.kind](message.at);
  });
  const checkpoints = checkpointIntervalMs > 0 ? await mkdtemp(join(tmpdir(), "millrace-bench-")) : undefined;
  try {
    const env = await StreamExecutionEnvironment.ofJobModule(JOB_MODULE, {
      configuration: configurationOf(options, checkpoints),
      args: jobArgumentsOf(options, channel),
      job: build,
    });
    const result = await env.execute(job);
    listener.finished();
    invariant(result.restartCount === 0, `a run that restarted ${result.restartCount} times measures nothing`);
    return { result, sinks: await sinks.all() };
  } finally {
    stopListening();
    if (checkpoints !== undefined) await rm(checkpoints, { recursive: true, force: true });
  }
}

/** Collects what the subtasks of the sink tell when they close. */
class SinkReports {
  readonly #bySubtask = new Map<number, SinkClosed>();
  readonly #count: number;
  #onComplete: (() => void) | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  add(report: SinkClosed): void {
    this.#bySubtask.set(report.subtaskIndex, report);
    if (this.#bySubtask.size === this.#count) this.#onComplete?.();
  }

  async all(): Promise<readonly SinkClosed[]> {
    if (this.#bySubtask.size < this.#count) await this.#complete();
    return [...this.#bySubtask.values()];
  }

  #complete(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#bySubtask.size} of ${this.#count} sinks have reported`)),
        MESSAGES_MS_MAX,
      );
      this.#onComplete = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function configurationOf(options: EngineOptions, checkpoints: string | undefined): Configuration {
  const entries: ConfigEntry[] = [
    { key: "parallelism.default", value: options.parallelism },
    { key: "execution.target", value: options.target },
    { key: "state.backend.type", value: options.backend },
    // Event time runs ahead of the wall clock in long runs.
    { key: "time.max-future-skew", value: "36500 d" },
  ];
  if (checkpoints !== undefined) {
    entries.push(
      { key: "execution.checkpointing.interval", value: `${options.checkpointIntervalMs} ms` },
      { key: "execution.checkpointing.dir", value: checkpoints },
      { key: "execution.checkpointing.incremental", value: options.backend === "rocksdb" },
    );
  }
  for (const setting of options.settings ?? []) {
    const end = setting.indexOf("=");
    const key = setting.slice(0, end);
    const at = entries.findIndex((entry) => entry.key === key);
    if (at >= 0) entries.splice(at, 1);
    entries.push({ key, value: setting.slice(end + 1) });
  }
  return Configuration.fromEntries(entries);
}

function sumOf<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + numberOf(item), 0);
}

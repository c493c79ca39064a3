import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ConfigEntry,
  Configuration,
  DataGeneratorSource,
  type DataStream,
  type Sink,
  StreamExecutionEnvironment,
  WatermarkStrategy,
} from "millrace";
import { type EngineOptions, type EngineReport, firstMeasuredEvent } from "./engine-options.ts";
import { JOB_COLUMNS, type JobName, WATERMARK_DELAY_MS } from "./job-names.ts";
import { intervalJoin } from "./jobs/interval-join.ts";
import { keyedSum } from "./jobs/keyed-sum.ts";
import { passthrough } from "./jobs/passthrough.ts";
import { session, sliding, tumbling } from "./jobs/window-counts.ts";
import { Meter } from "./meter.ts";
import type { NexmarkEvent } from "./nexmark/events.ts";
import { NexmarkGenerator } from "./nexmark/generator.ts";
import { CountingSink, LineSink, type RowSink } from "./result-rows.ts";
import { writeRows } from "./rows-file.ts";

type Job = (events: DataStream<NexmarkEvent>, sink: Sink<unknown>) => void;

const jobs: Readonly<Record<JobName, Job>> = {
  "ds-passthrough": (events, sink) => void passthrough(events).sinkTo(sink),
  "ds-keyed-sum": (events, sink) => void keyedSum(events).sinkTo(sink),
  "ds-tumbling": (events, sink) => void tumbling(events).sinkTo(sink),
  "ds-sliding": (events, sink) => void sliding(events).sinkTo(sink),
  "ds-session": (events, sink) => void session(events).sinkTo(sink),
  "ds-interval-join": (events, sink) => void intervalJoin(events).sinkTo(sink),
};

/** Runs a job on the engine in this process. @internal */
export async function runMillrace(options: EngineOptions): Promise<EngineReport> {
  const { job, events, parallelism, rowsFile, checkpointIntervalMs } = options;
  const build = jobs[job];
  const meter = new Meter(options);
  const lines = rowsFile === undefined ? undefined : new LineSink<unknown>(JOB_COLUMNS[job]);
  const sink: RowSink<unknown> = lines ?? new CountingSink<unknown>();
  let checkpointsCompleted = 0;
  const checkpoints = checkpointIntervalMs > 0 ? await mkdtemp(join(tmpdir(), "millrace-bench-")) : undefined;
  try {
    const env = StreamExecutionEnvironment.getExecutionEnvironment(
      configurationOf(parallelism, checkpointIntervalMs, checkpoints),
    );
    const source = DataGeneratorSource.of(measuredEvents(options, meter), events);
    const strategy =
      job === "ds-passthrough"
        ? WatermarkStrategy.noWatermarks<NexmarkEvent>()
        : WatermarkStrategy.forBoundedOutOfOrderness<NexmarkEvent>(WATERMARK_DELAY_MS).withTimestampAssigner(
            (event) => event.dateTime,
          );
    build(env.fromSource(source, strategy, "events"), rowSink(sink));
    const result = await env.execute(job);
    meter.finish();
    checkpointsCompleted = result.checkpointsCompleted;
  } finally {
    if (checkpoints !== undefined) await rm(checkpoints, { recursive: true, force: true });
  }
  if (rowsFile !== undefined && lines !== undefined) await writeRows(rowsFile, lines.sorted());
  return meter.report({
    engine: "millrace",
    parallelism,
    backend: options.backend,
    checkpoints: checkpointsCompleted,
    outCount: sink.count,
    rowsWritten: lines?.count ?? 0,
  });
}

/** The generator, which tells the meter when the first and the first measured event are due. */
function measuredEvents(options: EngineOptions, meter: Meter): (index: number) => NexmarkEvent {
  const generator = new NexmarkGenerator({ seed: options.seed, eventsPerSecond: options.eventsPerSecond });
  const firstMeasured = firstMeasuredEvent(options);
  let nextIndex = 0;
  const tell = (index: number): void => {
    if (nextIndex === 0) meter.first();
    if (index >= firstMeasured) meter.mark();
    nextIndex = index >= firstMeasured ? Number.POSITIVE_INFINITY : firstMeasured;
  };
  return (index) => {
    if (index >= nextIndex) tell(index);
    return generator.event(index);
  };
}

function configurationOf(
  parallelism: number,
  checkpointIntervalMs: number,
  directory: string | undefined,
): Configuration {
  const entries: ConfigEntry[] = [
    { key: "parallelism.default", value: parallelism },
    // Event time runs ahead of the wall clock in long runs.
    { key: "time.max-future-skew", value: "36500 d" },
  ];
  if (directory !== undefined) {
    entries.push(
      { key: "execution.checkpointing.interval", value: `${checkpointIntervalMs} ms` },
      { key: "execution.checkpointing.dir", value: directory },
    );
  }
  return Configuration.fromEntries(entries);
}

/** A sink that hands rows to the benchmark; it commits nothing. */
function rowSink(rows: RowSink<unknown>): Sink<unknown> {
  return {
    description: { kind: "bench", options: {} },
    createWriter: () => ({
      write: (row) => rows.write(row),
      isAvailable: () => true,
      whenAvailable: () => Promise.resolve(),
      prepareCommit: () => [],
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
  };
}

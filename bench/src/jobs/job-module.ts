/**
 * The jobs of the benchmark as one module, which every slot's thread loads. `--job` says which; what it measures goes to
 * the broadcast channel of `--channel`. It can be run without the benchmark, too:
 *
 *     npx millrace run bench/src/jobs/job-module.ts --job ds-session --events 4000000
 */

import type { PipelineEnvironment } from "millrace";
import { DataGeneratorSource, type DataStream, type JobArguments, type Sink, WatermarkStrategy } from "millrace";
import { tellBench } from "../bench-channel.ts";
import { type JobName, WATERMARK_DELAY_MS } from "../job-names.ts";
import { type JobRun, jobRunOf } from "../job-run.ts";
import { PacedSource } from "../latency/paced-source.ts";
import { instantNow } from "../monotonic-clock.ts";
import type { NexmarkEvent } from "../nexmark/events.ts";
import { NexmarkGenerator } from "../nexmark/generator.ts";
import { latencySink, type ProfilerSlot, rowSink } from "./bench-sink.ts";
import { intervalJoin } from "./interval-join.ts";
import { keyedSum } from "./keyed-sum.ts";
import { type DueEvent, latencySum } from "./latency-sum.ts";
import { passthrough } from "./passthrough.ts";
import { session, sliding, tumbling } from "./window-counts.ts";

type AddJob = (events: DataStream<NexmarkEvent>, sink: Sink<unknown>, run: JobRun) => void;

const jobs: Readonly<Record<JobName, AddJob>> = {
  "ds-passthrough": (events, sink) => void passthrough(events).sinkTo(sink),
  "ds-keyed-sum": (events, sink, { keys }) => void keyedSum(events, keys).sinkTo(sink),
  "ds-tumbling": (events, sink) => void tumbling(events).sinkTo(sink),
  "ds-sliding": (events, sink) => void sliding(events).sinkTo(sink),
  "ds-session": (events, sink) => void session(events).sinkTo(sink),
  "ds-interval-join": (events, sink) => void intervalJoin(events).sinkTo(sink),
};

/** @internal */
export default function build(env: PipelineEnvironment, args: JobArguments): void {
  const run = jobRunOf(args);
  const generator = new NexmarkGenerator({ seed: run.seed, eventsPerSecond: run.eventsPerSecond });
  if (run.ratePerSecond !== undefined) buildLatencyJob(env, run, generator, run.ratePerSecond);
  else buildJob(env, run, generator);
}

function buildJob(env: PipelineEnvironment, run: JobRun, generator: NexmarkGenerator): void {
  const slot: ProfilerSlot = { profiler: undefined };
  const progress = progressOf(run, env.getParallelism(), slot);
  const generate = (index: number): NexmarkEvent => {
    if (index >= progress.nextIndex) progress.tell(index);
    return generator.event(index);
  };
  const strategy =
    run.job === "ds-passthrough"
      ? WatermarkStrategy.noWatermarks<NexmarkEvent>()
      : WatermarkStrategy.forBoundedOutOfOrderness<NexmarkEvent>(WATERMARK_DELAY_MS).withTimestampAssigner(
          (event) => event.dateTime,
        );
  const events = env.fromSource(DataGeneratorSource.of(generate, run.events), strategy, "events");
  jobs[run.job](events, rowSink(run, slot), run);
}

function buildLatencyJob(
  env: PipelineEnvironment,
  run: JobRun,
  generator: NexmarkGenerator,
  ratePerSecond: number,
): void {
  const progress = progressOf(run, env.getParallelism(), { profiler: undefined });
  const source = new PacedSource<DueEvent>({
    generate: (index, dueMs) => {
      if (index >= progress.nextIndex) progress.tell(index);
      return { event: generator.event(index), dueMs: index < run.firstMeasured ? Number.NaN : dueMs };
    },
    count: run.events,
    ratePerSecond,
  });
  const events = env.fromSource(source, WatermarkStrategy.noWatermarks<DueEvent>(), "events");
  latencySum(events).sinkTo(latencySink(run));
}

interface Progress {
  /** The next index at which there may be something to tell. */
  nextIndex: number;
  tell(index: number): void;
}

/** Tells when the first and the first measured event are due, as the Flink peer does: in the stride of the first subtask. */
function progressOf(run: JobRun, parallelism: number, slot: ProfilerSlot): Progress {
  const progress: Progress = {
    nextIndex: 0,
    tell: (index) => {
      if (index % parallelism !== 0) return;
      if (index === 0) tellBench(run.channel, { kind: "first", at: instantNow() });
      progress.nextIndex = run.firstMeasured;
      if (index < run.firstMeasured) return;
      progress.nextIndex = Number.POSITIVE_INFINITY;
      slot.profiler?.mark();
      tellBench(run.channel, { kind: "mark", at: instantNow() });
    },
  };
  return progress;
}

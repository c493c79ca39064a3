import { CpuProfiler } from "./cpu-profiler.ts";
import type { EngineOptions, EngineReport } from "./engine-options.ts";
import { firstMeasuredEvent } from "./engine-options.ts";
import { handLoopOf } from "./hand/hand-jobs.ts";
import type { HandLoop } from "./hand/hand-loop.ts";
import { JOB_COLUMNS } from "./job-names.ts";
import { Meter } from "./meter.ts";
import { NexmarkGenerator } from "./nexmark/generator.ts";
import { CountingSink, LineSink } from "./result-rows.ts";
import { writeRows } from "./rows-file.ts";

/**
 * A loop runs in calls of this many events: V8 then enters its optimized code through the front door, not in the middle
 * of one endless call.
 */
const EVENTS_PER_CALL = 50_000;

/** Runs the hand-written loop of a job in this process; always one thread, whatever the parallelism. @internal */
export async function runHand(options: EngineOptions): Promise<EngineReport> {
  const { job, seed, eventsPerSecond, rowsFile, profileFile } = options;
  const profiler = profileFile === undefined ? undefined : new CpuProfiler();
  const meter = new Meter(options);
  const generator = new NexmarkGenerator({ seed, eventsPerSecond });
  const lines = rowsFile === undefined ? undefined : new LineSink(JOB_COLUMNS[job]);
  const sink = lines ?? new CountingSink();
  const loop = handLoopOf(job, generator, sink);

  const firstMeasured = firstMeasuredEvent(options);
  meter.first();
  processEvents(loop, 0, firstMeasured);
  profiler?.mark();
  meter.mark();
  processEvents(loop, firstMeasured, options.events);
  loop.finish();
  meter.finish();
  profiler?.finish();

  if (profileFile !== undefined) await profiler?.write(profileFile);
  if (rowsFile !== undefined && lines !== undefined) await writeRows(rowsFile, lines.sorted());
  const rowsWritten = lines?.count ?? 0;
  return meter.report({ engine: "hand", parallelism: 1, backend: "none", outCount: sink.count, rowsWritten });
}

/** Feeds the events `start` ≤ index < `end`. @internal */
export function processEvents(loop: HandLoop, start: number, end: number): void {
  for (let index = start; index < end; index += EVENTS_PER_CALL) {
    loop.process(index, Math.min(index + EVENTS_PER_CALL, end));
  }
}

import { isMainThread } from "node:worker_threads";
import type { Sink, SinkWriter } from "millrace";
import { tellBench } from "../bench-channel.ts";
import { CpuProfiler } from "../cpu-profiler.ts";
import { GcObserver } from "../gc-observer.ts";
import { JOB_COLUMNS } from "../job-names.ts";
import type { JobRun } from "../job-run.ts";
import { LatencyHistogram } from "../latency/latency-histogram.ts";
import { monotonicMs } from "../monotonic-clock.ts";
import { CountingSink, LineSink, type RowSink } from "../result-rows.ts";
import type { DueSum } from "./latency-sum.ts";

/** Takes the profile of the subtask's thread; made before its first record. @internal */
export type ProfilerSlot = { profiler: CpuProfiler | undefined };

/** Counts rows, or keeps them as lines, and tells the benchmark at the end; it commits nothing. @internal */
export function rowSink(run: JobRun, slot: ProfilerSlot): Sink<unknown> {
  return {
    description: { kind: "bench", options: {} },
    createWriter: ({ subtaskIndex }) => {
      if (run.profileFile !== undefined && subtaskIndex === 0) slot.profiler = new CpuProfiler();
      const lines = run.keepsRows ? new LineSink<unknown>(JOB_COLUMNS[run.job]) : undefined;
      const rows: RowSink<unknown> = lines ?? new CountingSink<unknown>();
      const collections = observeThread();
      return writerOf(
        (row) => rows.write(row),
        async () => {
          if (subtaskIndex === 0) slot.profiler?.finish();
          const gcMs = (await collections?.finish()) ?? 0;
          if (run.profileFile !== undefined && subtaskIndex === 0) await slot.profiler?.write(run.profileFile);
          const { count } = rows;
          tellBench(run.channel, {
            kind: "closed",
            subtaskIndex,
            rows: count,
            gcMs,
            ...(lines && { lines: lines.lines }),
          });
        },
      );
    },
  };
}

/** Counts how long after its due time a row arrives. @internal */
export function latencySink(run: JobRun): Sink<DueSum> {
  return {
    description: { kind: "bench-latency", options: {} },
    createWriter: ({ subtaskIndex }) => {
      const latencies = new LatencyHistogram();
      const collections = observeThread();
      let rows = 0;
      const write = ({ dueMs }: DueSum): void => {
        rows++;
        if (dueMs > 0) latencies.record(monotonicMs() - dueMs);
      };
      return writerOf(write, async () => {
        const gcMs = (await collections?.finish()) ?? 0;
        tellBench(run.channel, { kind: "closed", subtaskIndex, rows, latencies: latencies.counts, gcMs });
      });
    },
  };
}

function writerOf<T>(write: (row: T) => void, close: () => Promise<void>): SinkWriter<T> {
  return {
    write,
    isAvailable: () => true,
    whenAvailable: () => Promise.resolve(),
    prepareCommit: () => [],
    flush: () => Promise.resolve(),
    close,
  };
}

/** The main thread is observed by the benchmark itself. */
function observeThread(): GcObserver | undefined {
  return isMainThread ? undefined : new GcObserver();
}

/** A job without end whose checkpoints take as long as a test says, on a simulated clock. */
import type { JobClient } from "../api/job-client.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Sink, SinkWriter } from "../connectors/sink.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { environmentOn, type Settings } from "./upgrade-jobs.ts";

/** @internal */
export interface TimedRun {
  readonly settings?: Settings;
  /** What a program would say. */
  readonly configure?: (env: StreamExecutionEnvironment) => void;
  /** How long the checkpoint of this number takes, counted from 0. */
  readonly tookMs: (index: number) => number;
  /** When the job is cancelled. */
  readonly untilMs: number;
  readonly onEnd?: (client: JobClient, platform: SimulatedPlatform) => Promise<void> | void;
}

/** @internal */
export interface TimedResult {
  /** When each checkpoint was triggered: milliseconds since the job's start, in the hundred they fall in. */
  readonly triggeredMs: readonly number[];
  readonly completed: number;
  readonly failed: number;
  readonly restarts: number;
  readonly failure: string;
}

/** Runs the job until it is cancelled, or fails for good. @internal */
export async function runTimed(run: TimedRun): Promise<TimedResult> {
  const platform = createSimulatedPlatform({ seed: 61 });
  return platform.run(
    async () => {
      const env = environmentOn(platform, run.settings ?? {});
      run.configure?.(env);
      const triggeredMs: number[] = [];
      let startMs = 0;
      const onSnapshot = (): Promise<void> => {
        triggeredMs.push(Math.floor((platform.clock.monoMs() - startMs) / 100) * 100);
        const tookMs = run.tookMs(triggeredMs.length - 1);
        return new Promise((resolve) => void platform.clock.after(tookMs, resolve));
      };
      env
        .fromSource(
          DataGeneratorSource.of((n) => n, 1e9, { ratePerSecond: 100 }),
          { boundedOutOfOrderness: 0, timestamp: (n) => n },
          "numbers",
        )
        .sinkTo(sinkThatTakesItsTime(onSnapshot));
      const client = await env.executeAsync("timed");
      startMs = platform.clock.monoMs();
      const cancel = platform.clock.after(run.untilMs, () => {
        const ending = Promise.resolve(run.onEnd?.(client, platform));
        void ending.then(() => client.cancel());
      });
      const failure = await client.getJobExecutionResult().then(
        () => "",
        (error: unknown) => String(error),
      );
      cancel();
      const { checkpoints, restarts } = client.getProgress();
      return { triggeredMs, completed: checkpoints.completed, failed: checkpoints.failed, restarts, failure };
    },
    run.untilMs + 10 * 60_000,
  );
}

function sinkThatTakesItsTime(onSnapshot: () => Promise<void>): Sink<number> {
  return {
    description: { kind: "takes-its-time", options: {} },
    createWriter: (): SinkWriter<number> => {
      let durable = Promise.resolve();
      return {
        write: () => {},
        isAvailable: () => true,
        whenAvailable: async () => {},
        prepareCommit: () => {
          durable = onSnapshot();
          return [];
        },
        flush: () => durable,
        close: async () => {},
      };
    },
  };
}

import type { EngineName, LatencyReport } from "../engine-options.ts";
import type { JobName } from "../job-names.ts";

/** CPU nanoseconds an event of one job by engine; an engine that was not run or failed is missing. @internal */
export interface JobFigures {
  readonly job: JobName;
  readonly cpuNanos: Readonly<Partial<Record<EngineName, number>>>;
}

/** CPU nanoseconds an event of one job on Millrace without checkpoints and with one every second. @internal */
export interface CheckpointFigures {
  readonly job: JobName;
  readonly withoutNanos: number | undefined;
  readonly withNanos: number | undefined;
}

/** Milliseconds from the start of a command to its end, with a job of one record. @internal */
export interface StartUpFigures {
  /** The build, as a package has it. */
  readonly builtMs: number | undefined;
  /** The sources of a checkout, compiled as they are loaded. */
  readonly sourcesMs: number | undefined;
  readonly flinkMs: number | undefined;
}

/** The latencies of one run at a fixed rate; undefined when it failed. @internal */
export interface LatencyFigures {
  readonly parallelism: number;
  readonly checkpointIntervalMs: number;
  readonly report: LatencyReport | undefined;
}

/** What `bench all` measured; parts that were not run are missing. @internal */
export interface SuiteResults {
  /** What Millrace was compared with. */
  readonly against: readonly EngineName[];
  /** At parallelism 1. */
  readonly single?: readonly JobFigures[];
  /** At parallelism 2. */
  readonly parallel?: readonly JobFigures[];
  readonly checkpoints?: readonly CheckpointFigures[];
  readonly latencies?: readonly LatencyFigures[];
  readonly startUp?: StartUpFigures;
}

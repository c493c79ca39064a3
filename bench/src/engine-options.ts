import type { JobName } from "./job-names.ts";

/** @internal */
export type EngineName = "millrace" | "hand" | "flink";

/** One run of one job on one engine; plain JSON, since it travels to the engine's process. @internal */
export interface EngineOptions {
  readonly job: JobName;
  readonly events: number;
  readonly seed: number;
  /** Events per second of event time. */
  readonly eventsPerSecond: number;
  /** Share of the events that is left out of the measurement, 0 ≤ share < 1. */
  readonly warm: number;
  readonly parallelism: number;
  readonly backend: "hashmap";
  /** 0 for no checkpoints. */
  readonly checkpointIntervalMs: number;
  /** Where to write the sorted result rows; without it rows are counted only. */
  readonly rowsFile?: string;
  /** Where to write V8's CPU profile of the measured part; not for Flink. */
  readonly profileFile?: string;
}

/** What one run measured: the line that `bench` prints, with the fields of the Flink peer. @internal */
export interface EngineReport {
  readonly query: string;
  readonly engine: EngineName;
  readonly events: number;
  /** The events after the warm share; the figures up to `eventsPerCpuSecond` are about these. */
  readonly measuredEvents: number;
  readonly wallSeconds: number;
  readonly eventsPerSecond: number;
  /** CPU time of the whole process, garbage collector and compiler included. */
  readonly processCpuSeconds: number;
  readonly eventsPerCpuSecond: number;
  readonly p: number;
  readonly backend: string;
  readonly checkpointMs: number;
  /** Completed checkpoints; only Millrace counts them. */
  readonly checkpoints?: number;
  readonly outPlus: number;
  readonly outMinus: number;
  /** Rows written to the rows file. */
  readonly rows: number;
  readonly jobSeconds: number;
  readonly jobCpuSeconds: number;
  /** Counted, like `msToFinish`, from the start of the process. */
  readonly msToFirstRecord: number;
  readonly msToFinish: number;
  readonly gcMs: number;
  readonly heapMb: number;
}

/** Index of the first event that is measured, as the peer rounds it. @internal */
export function firstMeasuredEvent(options: EngineOptions): number {
  return Math.floor(options.events * options.warm);
}

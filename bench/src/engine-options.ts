import type { JobName } from "./job-names.ts";

/** `heap` is Millrace with its state on the heap, beside a run with another backend. @internal */
export type EngineName = "millrace" | "heap" | "hand" | "flink";

/** @internal */
export type BackendName = "hashmap" | "rocksdb";

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
  readonly backend: BackendName;
  /** Settings of Millrace alone, `key=value`; they go before all others. */
  readonly settings?: readonly string[];
  /** Of ds-keyed-sum: this many keys, each as likely as the others, in place of the auctions. Not for Flink and the loop. */
  readonly keys?: number;
  /** 0 for no checkpoints. */
  readonly checkpointIntervalMs: number;
  /** Where Millrace's slots run: each in a thread of its own, as `millrace run` has it, or all in the caller's. */
  readonly target: "threads" | "in-thread";
  /** Events a second of real time; latencies are measured then, instead of CPU time. Only for Millrace. */
  readonly ratePerSecond?: number;
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
  /** Only of Millrace. */
  readonly target?: EngineOptions["target"];
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

/** What a run at a fixed rate measured: from the moment a bid is due at the source until its row is at the sink. @internal */
export interface LatencyReport {
  readonly query: string;
  readonly engine: "millrace";
  readonly target: EngineOptions["target"];
  readonly p: number;
  readonly ratePerSecond: number;
  readonly checkpointMs: number;
  readonly checkpoints: number;
  readonly seconds: number;
  /** Rows whose latency was measured. */
  readonly rows: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** CPU time of the whole process in the measured part. */
  readonly processCpuSeconds: number;
  readonly gcMs: number;
}

/** Index of the first event that is measured, as the peer rounds it. @internal */
export function firstMeasuredEvent(options: Pick<EngineOptions, "events" | "warm">): number {
  return Math.floor(options.events * options.warm);
}

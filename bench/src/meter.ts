import { performance } from "node:perf_hooks";
import { type EngineName, type EngineOptions, type EngineReport, firstMeasuredEvent } from "./engine-options.ts";
import { GcObserver } from "./gc-observer.ts";
import { type Instant, instantNow, monotonicMs } from "./monotonic-clock.ts";

/** What only the engine knows of a finished run. @internal */
export interface RunResult {
  readonly engine: EngineName;
  readonly parallelism: number;
  readonly backend: string;
  readonly checkpoints?: number;
  readonly target?: EngineOptions["target"];
  readonly outCount: number;
  readonly rowsWritten: number;
  /** Garbage collection of other threads than the one of the meter. */
  readonly threadsGcMs?: number;
}

/**
 * Measures one run in this process: wall and CPU time from the moment the warm share of the events has been emitted
 * until the job has finished. Order of calls: constructor, {@link first}, {@link mark}, {@link finish}, {@link report}.
 * @internal
 */
export class Meter {
  readonly #options: EngineOptions;
  readonly #start: Instant = instantNow();
  readonly #collections: GcObserver = new GcObserver();
  #first: Instant | undefined;
  #mark: Instant | undefined;
  #end: Instant | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** The source is about to emit event 0. */
  first(at: Instant = instantNow()): void {
    this.#first = at;
  }

  /** The source has emitted every event before the first measured one. */
  mark(at: Instant = instantNow()): void {
    this.#mark = at;
  }

  /** The job has finished; writing a rows file comes after and is not measured. */
  finish(): void {
    this.#end = instantNow();
  }

  async report(result: RunResult): Promise<EngineReport> {
    const { job, events, checkpointIntervalMs } = this.#options;
    const end = this.#end ?? instantNow();
    const from = this.#mark ?? this.#first ?? this.#start;
    const processStartMs = monotonicMs() - performance.now();
    const wallSeconds = (end.monoMs - from.monoMs) / 1000;
    const cpuSeconds = (end.cpuMicros - from.cpuMicros) / 1e6;
    const measuredEvents = events - (this.#mark === undefined ? 0 : firstMeasuredEvent(this.#options));
    return {
      query: job,
      engine: result.engine,
      events,
      measuredEvents,
      wallSeconds: rounded(wallSeconds),
      eventsPerSecond: Math.round(measuredEvents / wallSeconds),
      processCpuSeconds: rounded(cpuSeconds),
      eventsPerCpuSecond: Math.round(measuredEvents / cpuSeconds),
      p: result.parallelism,
      ...(result.target === undefined ? {} : { target: result.target }),
      backend: result.backend,
      checkpointMs: checkpointIntervalMs,
      ...(result.checkpoints === undefined ? {} : { checkpoints: result.checkpoints }),
      outPlus: result.outCount,
      outMinus: 0,
      rows: result.rowsWritten,
      jobSeconds: rounded((end.monoMs - this.#start.monoMs) / 1000),
      jobCpuSeconds: rounded((end.cpuMicros - this.#start.cpuMicros) / 1e6),
      msToFirstRecord: Math.round((this.#first ?? this.#start).monoMs - processStartMs),
      msToFinish: Math.round(end.monoMs - processStartMs),
      gcMs: Math.round((await this.#collections.finish()) + (result.threadsGcMs ?? 0)),
      heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
    };
  }
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

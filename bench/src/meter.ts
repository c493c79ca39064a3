import { PerformanceObserver, performance } from "node:perf_hooks";
import { CpuProfiler } from "./cpu-profiler.ts";
import { type EngineName, type EngineOptions, type EngineReport, firstMeasuredEvent } from "./engine-options.ts";

interface Instant {
  readonly wallMs: number;
  readonly cpuMicros: number;
}

/** What only the engine knows of a finished run. @internal */
export interface RunResult {
  readonly engine: EngineName;
  readonly parallelism: number;
  readonly backend: string;
  readonly checkpoints?: number;
  readonly outCount: number;
  readonly rowsWritten: number;
}

/**
 * Measures one run in this process: wall and CPU time from the moment the warm share of the events has been emitted
 * until the job has finished. Order of calls: constructor, {@link first}, {@link mark}, {@link finish}, {@link report}.
 * @internal
 */
export class Meter {
  readonly #options: EngineOptions;
  readonly #start: Instant = now();
  readonly #collections: PerformanceObserver;
  readonly #profiler: CpuProfiler | undefined;
  #gcMs = 0;
  #first: Instant | undefined;
  #mark: Instant | undefined;
  #end: Instant | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#profiler = options.profileFile === undefined ? undefined : new CpuProfiler();
    this.#collections = new PerformanceObserver((list) => this.#addCollections(list.getEntries()));
    this.#collections.observe({ entryTypes: ["gc"] });
  }

  /** The source is about to emit event 0. */
  first(): void {
    this.#first = now();
  }

  /** The source has emitted every event before the first measured one. */
  mark(): void {
    this.#profiler?.mark();
    this.#mark = now();
  }

  /** The job has finished; writing a rows file comes after and is not measured. */
  finish(): void {
    this.#end = now();
    this.#profiler?.finish();
  }

  async report(result: RunResult): Promise<EngineReport> {
    const { job, events, checkpointIntervalMs, profileFile } = this.#options;
    if (profileFile !== undefined) await this.#profiler?.write(profileFile);
    const end = this.#end ?? now();
    const from = this.#mark ?? this.#first ?? this.#start;
    const wallSeconds = (end.wallMs - from.wallMs) / 1000;
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
      backend: result.backend,
      checkpointMs: checkpointIntervalMs,
      ...(result.checkpoints === undefined ? {} : { checkpoints: result.checkpoints }),
      outPlus: result.outCount,
      outMinus: 0,
      rows: result.rowsWritten,
      jobSeconds: rounded((end.wallMs - this.#start.wallMs) / 1000),
      jobCpuSeconds: rounded((end.cpuMicros - this.#start.cpuMicros) / 1e6),
      // performance.now() counts from the start of the process.
      msToFirstRecord: Math.round((this.#first ?? this.#start).wallMs),
      msToFinish: Math.round(end.wallMs),
      gcMs: Math.round(await this.#collectionMs()),
      heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
    };
  }

  /** Entries of collections are delivered in a turn of the event loop, so one has to pass. */
  async #collectionMs(): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#addCollections(this.#collections.takeRecords());
    this.#collections.disconnect();
    return this.#gcMs;
  }

  #addCollections(entries: readonly { readonly duration: number }[]): void {
    for (const entry of entries) this.#gcMs += entry.duration;
  }
}

function now(): Instant {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMicros: user + system };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** The offset of this thread's `performance.now()`, which counts from the start of the thread. */
const THREAD_START_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds on a clock that all threads and processes of the machine share; only differences mean something. @internal */
export function monotonicMs(): number {
  return THREAD_START_MS + performance.now();
}

/** A moment of a run. @internal */
export interface Instant {
  /** On the clock of {@link monotonicMs}. */
  readonly monoMs: number;
  /** CPU time of the whole process so far, all threads included. */
  readonly cpuMicros: number;
}

/** @internal */
export function instantNow(): Instant {
  const { user, system } = process.cpuUsage();
  return { monoMs: monotonicMs(), cpuMicros: user + system };
}

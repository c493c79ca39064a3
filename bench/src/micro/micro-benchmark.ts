/** One hot path. @internal */
export interface MicroBenchmark {
  /** Group and path, such as "codec/int64/write". */
  readonly name: string;
  /**
   * Makes the data, which is not measured, and returns what is: it does the operation `count` times and returns a number
   * that depends on all of them, so that V8 can leave none of them out.
   */
  readonly prepare: () => (count: number) => number;
}

/** @internal */
export interface MicroOptions {
  /** Rounds that count; a quarter as many go before them unmeasured. */
  readonly rounds: number;
  /** How long a round should take. */
  readonly roundMs: number;
  /** Operations a round, instead of as many as fit into `roundMs`. */
  readonly operations?: number;
}

/** What one benchmark gave; the line that `bench micro` prints. @internal */
export interface MicroResult {
  readonly name: string;
  /** CPU time, the median of the rounds. */
  readonly nsPerOperation: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly rounds: number;
  /** Operations a round. */
  readonly operations: number;
}

/** Rounds get this many times more operations until one is long enough. */
const GROWTH = 4;
const OPERATIONS_START = 256;
const OPERATIONS_MAX = 2 ** 30;

/** What the host has to give. @internal */
export interface MicroHost {
  /** CPU time of the process so far: wall time would count what else the machine does. */
  cpuMs(): number;
  /** A full collection. */
  collectGarbage(): void;
}

/** Measures one benchmark. Garbage of earlier rounds is collected before each round, that of the round itself counts. @internal */
export function measure(benchmark: MicroBenchmark, options: MicroOptions, host: MicroHost): MicroResult {
  const run = benchmark.prepare();
  const operations = options.operations ?? calibrate(run, options.roundMs, host);
  for (let round = 0; round < Math.ceil(options.rounds / 4); round++) timeRound(run, operations, host);
  const nanos: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    nanos.push((timeRound(run, operations, host) * 1e6) / operations);
  }
  nanos.sort((left, right) => left - right);
  return {
    name: benchmark.name,
    nsPerOperation: threeDigits(nanos[nanos.length >> 1]!),
    minNs: threeDigits(nanos[0]!),
    maxNs: threeDigits(nanos.at(-1)!),
    rounds: options.rounds,
    operations,
  };
}

/** As many operations as take about `roundMs` once the code is compiled, which the search sees to. */
function calibrate(run: (count: number) => number, roundMs: number, host: MicroHost): number {
  let operations = OPERATIONS_START;
  for (;;) {
    const tookMs = timeRound(run, operations, host);
    if (operations * GROWTH >= OPERATIONS_MAX) return operations;
    if (tookMs * GROWTH >= roundMs) return Math.ceil(operations * Math.max(1, roundMs / Math.max(tookMs, 1e-3)));
    operations *= GROWTH;
  }
}

function timeRound(run: (count: number) => number, operations: number, host: MicroHost): number {
  host.collectGarbage();
  const startMs = host.cpuMs();
  const checksum = run(operations);
  const tookMs = host.cpuMs() - startMs;
  // Also what keeps the checksum in use.
  if (Number.isNaN(checksum)) throw new Error("a benchmark's checksum is NaN: it did not do what it measures");
  return tookMs;
}

function threeDigits(nanos: number): number {
  return Number(nanos.toPrecision(3));
}

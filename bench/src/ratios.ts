import type { EngineName, EngineReport } from "./engine-options.ts";
import { rounded } from "./output.ts";

/** CPU time per event of each engine, and how the first one compares. @internal */
export interface Ratios {
  readonly query: string;
  readonly unit: "CPU-seconds per event";
  readonly runs: number;
  /** The median over the runs. */
  readonly cpuNanosPerEvent: Readonly<Partial<Record<EngineName, number>>>;
  /** "millrace/hand": 1.3 says that Millrace needs 1.3 times the CPU time of the hand-written loop. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** Compares the engine of the first report with every other one; one engine alone gives no ratios. @internal */
export function compareRuns(reports: readonly EngineReport[]): Ratios | undefined {
  const first = reports[0];
  if (first === undefined) return undefined;
  const engines = [...new Set(reports.map((report) => report.engine))];
  const nanos = engines.map((engine) => medianNanos(reports.filter((report) => report.engine === engine)));
  const others = engines
    .slice(1)
    .map((engine, at) => [`${engines[0]}/${engine}`, rounded(nanos[0]! / nanos[at + 1]!, 3)]);
  return {
    query: first.query,
    unit: "CPU-seconds per event",
    runs: Math.max(...engines.map((engine) => reports.filter((report) => report.engine === engine).length)),
    cpuNanosPerEvent: Object.fromEntries(engines.map((engine, at) => [engine, rounded(nanos[at]!, 1)])),
    ratios: Object.fromEntries(others),
  };
}

function medianNanos(reports: readonly EngineReport[]): number {
  return medianOf(reports.map((report) => (report.processCpuSeconds / report.measuredEvents) * 1e9));
}

/** Of an even number of values the middle of the two middle ones; NaN of none. @internal */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

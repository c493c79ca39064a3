/** What Millrace promises about its speed (DESIGN, section 10), beside what was measured. */
import type { JobName } from "../job-names.ts";
import { renderTable } from "../text-table.ts";
import type { CheckpointFigures, JobFigures, LatencyFigures, StartUpFigures, SuiteResults } from "./suite-results.ts";

/** Ratios are of CPU time: to hand, Millrace's over the loop's; to Flink, Flink's over Millrace's. @internal */
export const TARGETS = {
  toHandMax: 1.5,
  toFlinkMin: 1.6,
  passthroughToFlinkMin: 0.8,
  meanToFlinkMin: 3,
  parallelMeanToFlinkMin: 2,
  checkpointPercentBelow: 5,
  p99MsBelow: 10,
  startUpToFlinkMin: 5,
} as const;

/** One bound of one figure. @internal */
export interface Check {
  /** Undefined when it could not be measured. */
  readonly value: number | undefined;
  readonly bound: "at least" | "at most" | "below";
  readonly limit: number;
  /** What the limit is of, such as "x hand" or "ms p99". */
  readonly unit: string;
}

/** A line of the table. @internal */
export interface TargetRow {
  readonly what: string;
  readonly millrace?: string | undefined;
  readonly hand?: string | undefined;
  readonly flink?: string | undefined;
  readonly toHand?: number | undefined;
  readonly toFlink?: number | undefined;
  /** Without checks the row is there for information. */
  readonly checks: readonly Check[];
}

/** @internal */
export type Verdict = "ok" | "missed" | "missing" | "";

/** Every figure with its target. @internal */
export function targetRows(results: SuiteResults): readonly TargetRow[] {
  const { single, parallel, checkpoints, latencies, startUp } = results;
  const [withHand, withFlink] = [results.against.includes("hand"), results.against.includes("flink")];
  const rows: TargetRow[] = [];
  if (single !== undefined) {
    rows.push(...single.map((figures) => singleRow(figures, withHand, withFlink)));
    if (withFlink) rows.push(meanRow("keyed jobs, geometric mean, p = 1", single, TARGETS.meanToFlinkMin));
  }
  if (parallel !== undefined) {
    rows.push(...parallel.map((figures) => jobRow(figures, 2, [])));
    if (withFlink) rows.push(meanRow("keyed jobs, geometric mean, p = 2", parallel, TARGETS.parallelMeanToFlinkMin));
  }
  rows.push(...(checkpoints ?? []).map(checkpointRow), ...(latencies ?? []).map(latencyRow));
  if (startUp !== undefined) rows.push(...startUpRows(startUp, withFlink));
  return rows;
}

/** @internal */
export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.length === 0) return "";
  if (checks.some((check) => check.value !== undefined && !holds(check.value, check))) return "missed";
  return checks.some((check) => check.value === undefined) ? "missing" : "ok";
}

/** @internal */
export function renderTargets(rows: readonly TargetRow[]): string {
  const header = [
    "CPU time an event",
    "Millrace",
    "hand",
    "Flink",
    "Millrace / hand",
    "Flink / Millrace",
    "target",
    "",
  ];
  return renderTable(
    header,
    rows.map((row) => [
      row.what,
      row.millrace ?? "",
      row.hand ?? "",
      row.flink ?? "",
      row.toHand === undefined ? "" : `${row.toHand.toFixed(2)} x`,
      row.toFlink === undefined ? "" : `${row.toFlink.toFixed(2)} x`,
      row.checks.map(renderTarget).join(", "),
      verdictOf(row.checks),
    ]),
  );
}

/** The geometric mean; undefined when a value is missing. @internal */
export function geometricMean(values: readonly (number | undefined)[]): number | undefined {
  let logarithms = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    logarithms += Math.log(value);
  }
  return values.length === 0 ? undefined : Math.exp(logarithms / values.length);
}

function holds(value: number, { bound, limit }: Check): boolean {
  if (bound === "at least") return value >= limit;
  return bound === "at most" ? value <= limit : value < limit;
}

function renderTarget({ bound, limit, unit }: Check): string {
  return `${{ "at least": ">=", "at most": "<=", below: "<" }[bound]} ${limit} ${unit}`;
}

function isKeyed(job: JobName): boolean {
  return job !== "ds-passthrough";
}

function singleRow(figures: JobFigures, withHand: boolean, withFlink: boolean): TargetRow {
  const limit = isKeyed(figures.job) ? TARGETS.toFlinkMin : TARGETS.passthroughToFlinkMin;
  const checks: Check[] = [];
  if (withHand) checks.push({ value: toHand(figures), bound: "at most", limit: TARGETS.toHandMax, unit: "x hand" });
  if (withFlink) checks.push({ value: toFlink(figures), bound: "at least", limit, unit: "x Flink" });
  return jobRow(figures, 1, checks);
}

function jobRow(figures: JobFigures, parallelism: number, checks: readonly Check[]): TargetRow {
  const { millrace, hand, flink } = figures.cpuNanos;
  return {
    what: `${figures.job}, p = ${parallelism}`,
    millrace: nanos(millrace),
    hand: nanos(hand),
    flink: nanos(flink),
    toHand: toHand(figures),
    toFlink: toFlink(figures),
    checks,
  };
}

function meanRow(what: string, figures: readonly JobFigures[], limit: number): TargetRow {
  const keyed = figures.filter(({ job }) => isKeyed(job));
  const mean = geometricMean(keyed.map(toFlink));
  return {
    what,
    toHand: geometricMean(keyed.map(toHand)),
    toFlink: mean,
    checks: [{ value: mean, bound: "at least", limit, unit: "x Flink" }],
  };
}

function checkpointRow({ job, withNanos, withoutNanos }: CheckpointFigures): TargetRow {
  const percent =
    withNanos === undefined || withoutNanos === undefined ? undefined : (withNanos / withoutNanos - 1) * 100;
  const more = percent === undefined ? "" : `, ${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
  return {
    what: `${job}, a checkpoint every second`,
    millrace: withNanos === undefined ? undefined : `${nanos(withNanos)}${more}`,
    checks: [{ value: percent, bound: "below", limit: TARGETS.checkpointPercentBelow, unit: "% more" }],
  };
}

function latencyRow({ parallelism, checkpointIntervalMs, report }: LatencyFigures): TargetRow {
  const checkpoints = checkpointIntervalMs > 0 ? "a checkpoint every second" : "no checkpoints";
  const check: Check = { value: report?.p99Ms, bound: "below", limit: TARGETS.p99MsBelow, unit: "ms p99" };
  return {
    what: `latency p50 / p99 / p99.9, p = ${parallelism}, ${checkpoints}`,
    millrace: report && `${[report.p50Ms, report.p99Ms, report.p999Ms].map((ms) => ms.toFixed(1)).join(" / ")} ms`,
    // The promise is about jobs with checkpoints.
    checks: checkpointIntervalMs > 0 ? [check] : [],
  };
}

function startUpRows({ builtMs, sourcesMs, flinkMs }: StartUpFigures, withFlink: boolean): readonly TargetRow[] {
  const ratioOf = (ms: number | undefined): number | undefined =>
    ms === undefined || flinkMs === undefined ? undefined : flinkMs / ms;
  const check: Check = {
    value: ratioOf(builtMs),
    bound: "at least",
    limit: TARGETS.startUpToFlinkMin,
    unit: "x sooner",
  };
  const row = (what: string, ms: number | undefined, checks: readonly Check[]): TargetRow => ({
    what: `a job of one record, ${what}, wall time`,
    millrace: milliseconds(ms),
    flink: milliseconds(flinkMs),
    toFlink: ratioOf(ms),
    checks,
  });
  return [row("built", builtMs, withFlink ? [check] : []), row("from sources", sourcesMs, [])];
}

function toHand({ cpuNanos: { millrace, hand } }: JobFigures): number | undefined {
  return millrace === undefined || hand === undefined ? undefined : millrace / hand;
}

function toFlink({ cpuNanos: { millrace, flink } }: JobFigures): number | undefined {
  return millrace === undefined || flink === undefined ? undefined : flink / millrace;
}

function nanos(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value.toFixed(1)} ns`;
}

function milliseconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value.toFixed(0)} ms`;
}

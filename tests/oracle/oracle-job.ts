/** What the oracle programs are built with and run by. */
import { readFileSync } from "node:fs";
import type { DataStream, KeyedStream, SingleOutputStreamOperator, Sink } from "millrace";
import { Configuration, MAX_WATERMARK, MIN_WATERMARK, StreamExecutionEnvironment, WatermarkStrategy } from "millrace";
import { createSimulatedPlatform } from "millrace/internal";
import { type Line, LineWatermarks, lineSource, type OracleEvent, readLines, Schedule } from "./line-source.ts";

/** A result. The first value is what it is ordered by. */
export type Row = readonly unknown[];

/**
 * Which order of its rows a program defines: `total` all of them, at parallelism 1; `key` those with the same first value;
 * `none` none, so they are sorted.
 */
export type RowOrder = "total" | "key" | "none";

/** A small job over one input file; the same one is written for Flink in `flink/`. */
export interface Program {
  readonly name: string;
  readonly input: string;
  readonly order: RowOrder;
  /** What of a row has to be Flink's, when README.md lists a difference that is meant. Default: all of it. */
  readonly comparable?: (row: Row) => Row;
  build(job: OracleJob): void;
}

const SIMULATED_MS_MAX = 3_600_000;
/** Later than all events: 2026-01-02. A source refuses events of the future. */
const START_MS = 1_767_312_000_000;

/** The streams of a program's input, and where its rows go. */
export class OracleJob {
  readonly rows: Row[] = [];
  readonly #env: StreamExecutionEnvironment;
  readonly #schedule: Schedule;
  #streamCount = 0;

  constructor(env: StreamExecutionEnvironment, lines: readonly Line[]) {
    this.#env = env;
    this.#schedule = new Schedule(lines);
  }

  /** The stream with its own watermarks; each may be asked for once. */
  stream(name: string): SingleOutputStreamOperator<OracleEvent> {
    const strategy = WatermarkStrategy.forGenerator<Line>(() => new LineWatermarks());
    return this.#env
      .fromSource(lineSource(this.#schedule, name, this.#streamCount++), strategy, name)
      .setParallelism(1)
      .filter((line) => line.kind === "record")
      .setParallelism(1)
      .map((line) => line.event)
      .setParallelism(1);
  }

  keyed(name: string): KeyedStream<OracleEvent, string> {
    return this.stream(name).keyBy((event) => event.k);
  }

  out(rows: DataStream<Row>): void {
    rows.sinkTo(intoArray(this.rows));
  }

  /** The records themselves, as key and identity with the value that may have been computed. */
  outEvents(events: DataStream<OracleEvent>): void {
    this.out(events.map(({ k, n, v, t }): Row => [k, n, v, t]));
  }

  /** What came too late: ordered on its own. */
  outLate(events: DataStream<OracleEvent>): void {
    this.out(events.map(({ k, n }): Row => [`late:${k}`, n]));
  }
}

/** The ends of time differ between the engines, so they have names. */
export function timeName(ms: number): number | string {
  if (ms === MAX_WATERMARK) return "max";
  return ms === MIN_WATERMARK ? "min" : ms;
}

/** Runs a program and returns its rows as lines, in the order that it defines. */
export async function runProgram(program: Program, parallelism: number): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: program.name, startMs: START_MS });
  const settings = { "parallelism.default": `${parallelism}`, "execution.buffer-timeout.interval": "1 ms" };
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
  const job = new OracleJob(env, readLines(program.input));
  program.build(job);
  await platform.run(() => env.execute(program.name), SIMULATED_MS_MAX);
  return ordered(program, job.rows);
}

/** The rows that Flink made. */
export function flinkRows(program: Program): readonly string[] {
  const lines = readFileSync(new URL(`rows/${program.name}.jsonl`, import.meta.url), "utf8").split("\n");
  const rows = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
  return ordered(program, rows);
}

function ordered({ order, comparable }: Program, rows: readonly Row[]): readonly string[] {
  const inOrder = order === "key" ? rows.toSorted((a, b) => compare(String(a[0]), String(b[0]))) : rows;
  const texts = inOrder.map((row) => JSON.stringify(comparable?.(row) ?? row));
  return order === "none" ? texts.sort() : texts;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function intoArray(rows: Row[]): Sink<Row> {
  return {
    description: { kind: "oracle-rows", options: {} },
    createWriter: () => ({
      write: (row) => void rows.push(row),
      isAvailable: () => true,
      whenAvailable: async () => {},
      prepareCommit: () => [],
      flush: async () => {},
      close: async () => {},
    }),
  };
}

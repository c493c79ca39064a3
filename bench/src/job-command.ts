import { MillraceError } from "millrace/internal";
import type { EngineName, EngineOptions, EngineReport } from "./engine-options.ts";
import { runEngine, runLatencies } from "./engine-runs.ts";
import { type BenchOptions, parseOptions } from "./options.ts";
import { note, print } from "./output.ts";
import { profileEngine, renderBreakdown } from "./profile.ts";
import { compareRuns } from "./ratios.ts";
import { digestOfFile } from "./rows-file.ts";

/** Below this Flink's figures say more about the JVM's compiler than about Flink. */
const FLINK_EVENTS_MIN = 10_000_000;

/**
 * The command `bench JOB`: one JSON line an engine and run on stdout, then one with the ratios; all else goes to stderr.
 * Returns the exit code: 0, or 1 when an engine failed or rows differ.
 *
 * @throws CommanderError for bad options, once it has written what is wrong.
 * @internal
 */
export async function jobCommand(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv, process.env);
  if (options.run.ratePerSecond !== undefined) return measureLatency(options);
  adviseOnFlink(options);
  const reports = await runAll(options);
  const ratios = compareRuns(reports);
  if (ratios !== undefined && Object.keys(ratios.ratios).length > 0) print(ratios);
  if (options.engines.includes("millrace") && options.engines.includes("hand") && ratios !== undefined) {
    // The hand-written loop has one thread.
    await explainDifference({ ...options.run, parallelism: 1 });
  }
  const areRowsEqual = await compareRows(options, reports);
  return reports.length === options.engines.length * options.repeat && areRowsEqual ? 0 : 1;
}

async function measureLatency({ run, repeat }: BenchOptions): Promise<number> {
  for (let round = 1; round <= repeat; round++) {
    const { events, ratePerSecond = 1 } = run;
    note(`${run.job} at ${ratePerSecond} events a second for ${(events / ratePerSecond).toFixed(0)} s …`);
    try {
      print(await runLatencies(run));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      note(error.message);
      return 1;
    }
  }
  return 0;
}

/** Engines take turns, so that a machine that slows down slows all of them; one that fails does not stop the others. */
async function runAll({ engines, run, repeat, flink }: BenchOptions): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (let round = 1; round <= repeat; round++) {
    for (const engine of engines) {
      note(`${run.job} on ${engine}${repeat > 1 ? `, run ${round} of ${repeat}` : ""} …`);
      try {
        const report = await runEngine(engine, withRowsFile(run, engine), flink);
        reports.push(report);
        print(report);
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        note(error.message);
      }
    }
  }
  // The engine named first leads also when a later round was its first success.
  return reports.sort((left, right) => engines.indexOf(left.engine) - engines.indexOf(right.engine));
}

/** What the engine's time is spent on, beside the loop's: one more run of each, under the profiler. */
async function explainDifference(run: EngineOptions): Promise<void> {
  note("what the time is spent on (one profiled run of each, measured part, the thread of the job) …");
  const millrace = await profileEngine("millrace", run);
  const hand = await profileEngine("hand", run);
  print({ query: run.job, unit: "CPU nanoseconds per event, profiled", millrace, hand });
  note(`\n${renderBreakdown(millrace, hand)}`);
}

function withRowsFile(run: EngineOptions, engine: EngineName): EngineOptions {
  return run.rowsFile === undefined ? run : { ...run, rowsFile: rowsFileOf(run.rowsFile, engine) };
}

function rowsFileOf(file: string, engine: EngineName): string {
  return engine === "millrace" ? file : `${file}.${engine}`;
}

async function compareRows({ run }: BenchOptions, reports: readonly EngineReport[]): Promise<boolean> {
  const engines = [...new Set(reports.map((report) => report.engine))];
  if (run.rowsFile === undefined || engines.length < 2) return true;
  const files = engines.map((engine) => rowsFileOf(run.rowsFile!, engine));
  const digests = await Promise.all(files.map((file) => digestOfFile(file)));
  const areEqual = new Set(digests).size === 1;
  note(areEqual ? `equal rows: ${files.join(", ")}` : `the rows differ; compare ${files.join(", ")}`);
  return areEqual;
}

function adviseOnFlink({ engines, run }: BenchOptions): void {
  if (!engines.includes("flink") || run.rowsFile !== undefined || run.events >= FLINK_EVENTS_MIN) return;
  note("Flink needs long runs to be compiled; for its true figures use --events 20M --warm 0.6");
}

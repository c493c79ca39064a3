import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { MillraceError } from "millrace/internal";
import { endOf, runChild } from "../child-process.ts";
import { whole } from "../option-parsers.ts";
import { note, print } from "../output.ts";
import { renderTable } from "../text-table.ts";
import type { MicroOptions, MicroResult } from "./micro-benchmark.ts";
import { microGroups, selectBenchmarks } from "./micro-groups.ts";
import type { MicroRequest } from "./micro-process.ts";

const MICRO_PROCESS = fileURLToPath(new URL("../../bin/micro.mjs", import.meta.url));
const ROUNDS_DEFAULT = 9;
const ROUND_MS_DEFAULT = 50;

/** What one call of `bench micro` was asked for. @internal */
export interface MicroCommandOptions extends MicroOptions {
  /** What words of the names begin with; all benchmarks when there is none. */
  readonly texts: readonly string[];
}

/**
 * The command `bench micro`: a JSON line a benchmark on stdout, the table on stderr. Returns the exit code, 1 when a
 * group's process failed.
 *
 * @throws CommanderError for bad options, once it has written what is wrong.
 * @internal
 */
export async function microCommand(argv: readonly string[]): Promise<number> {
  const { texts, ...options } = parseMicroOptions(argv);
  const results: MicroResult[] = [];
  let exitCode = 0;
  for (const group of Object.keys(microGroups)) {
    if (selectBenchmarks(group, texts).length === 0) continue;
    try {
      for (const result of await runGroup({ group, texts, options })) {
        results.push(result);
        print(result);
      }
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      note(error.message);
      exitCode = 1;
    }
  }
  note(`\n${renderResults(results)}`);
  return exitCode;
}

/** @throws CommanderError @internal */
export function parseMicroOptions(argv: readonly string[]): MicroCommandOptions {
  const command = new Command("bench micro")
    .description("Measure single hot paths, in CPU nanoseconds an operation.")
    .argument("[names...]", "beginnings of words in names, such as codec, int64 or codec/string", parseName, [])
    .option("--rounds <n>", "measured rounds; the median counts", whole(1, 1000), ROUNDS_DEFAULT)
    .option("--round-ms <n>", "how long a round takes", whole(1, 60_000), ROUND_MS_DEFAULT)
    .option("--operations <n>", "operations a round, instead of --round-ms", whole(1, 2 ** 30))
    .addHelpText("after", `\nGroups: ${Object.keys(microGroups).join(", ")}`)
    .exitOverride()
    .parse(argv as string[]);
  // Checked by the parsers above.
  const { rounds, roundMs, operations } = command.opts<MicroOptions>();
  const texts = command.processedArgs[0] as readonly string[];
  return { texts, rounds, roundMs, ...(operations === undefined ? {} : { operations }) };
}

function parseName(text: string, before: readonly string[]): readonly string[] {
  if (Object.keys(microGroups).some((group) => selectBenchmarks(group, [text]).length > 0)) return [...before, text];
  throw new InvalidArgumentError(`No benchmark has such a name. Groups: ${Object.keys(microGroups).join(", ")}.`);
}

/** @internal */
export function renderResults(results: readonly MicroResult[]): string {
  const rows = results.map(({ name, nsPerOperation, minNs, maxNs }) => [
    name,
    String(nsPerOperation),
    String(minNs),
    String(maxNs),
  ]);
  return renderTable(["benchmark", "CPU ns an operation", "least", "most"], rows);
}

async function runGroup(request: MicroRequest): Promise<readonly MicroResult[]> {
  const args = ["--expose-gc", MICRO_PROCESS, JSON.stringify(request)];
  const result = await runChild(process.execPath, args, { stdout: "capture" });
  // The group's process writes one line a benchmark and nothing else.
  const lines = result.stdout.split("\n").filter((line) => line !== "");
  if (result.exitCode === 0) return lines.map((line) => JSON.parse(line) as MicroResult);
  throw new MillraceError("MR_BENCH_ENGINE_FAILED", {
    what: `The process of the micro benchmarks ${request.group} failed`,
    found: endOf(result),
    expected: "exit code 0",
    todo: "Read its output above",
  });
}

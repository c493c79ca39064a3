import { MillraceError } from "millrace/internal";
import { prepareFlink } from "../flink-peer.ts";
import { note, print } from "../output.ts";
import { describeMachine, renderMachine } from "./machine.ts";
import { runSuite } from "./run-suite.ts";
import { parseSuiteOptions, type SuiteOptions } from "./suite-options.ts";
import { renderTargets, targetRows, verdictOf } from "./targets.ts";

/** Below this a Flink run says more about the JVM's compiler than about Flink. */
const FLINK_EVENTS_MIN = 10_000_000;

/**
 * The command `bench all`: JSON lines of all runs and of the machine on stdout, the table of figures and targets on stderr.
 * Returns the exit code: 0 when everything was measured, whether the targets are met or not, else 1.
 *
 * @throws CommanderError for bad options, once it has written what is wrong.
 * @internal
 */
export async function suiteCommand(argv: readonly string[]): Promise<number> {
  const options = parseSuiteOptions(argv, process.env);
  const machine = await describeMachine(await flinkBuildOf(options));
  const command = ["npm run bench -- all", ...argv.slice(2)].join(" ");
  print({ suite: "all", command, machine });
  if (options.against.includes("flink") && options.events < FLINK_EVENTS_MIN) {
    note("Flink needs long runs to be compiled; for its true figures use --events 20M --warm 0.6, the default");
  }
  const rows = targetRows(await runSuite(options));
  for (const row of rows) print({ ...row, verdict: verdictOf(row.checks) });
  const { events, warm, repeat, ratePerSecond } = options;
  const settings = `${events} events, the first ${Math.round(warm * 100)} % not measured, median of ${repeat}; latencies at ${ratePerSecond} events a second`;
  note(`\n\n${renderMachine(machine)}\nCommand: ${command}\n${settings}\n\n${renderTargets(rows)}`);
  return rows.some((row) => verdictOf(row.checks) === "missing") ? 1 : 0;
}

/** Builds the peer before anything is measured; without a peer its figures will be missing, each with the reason. */
async function flinkBuildOf({ against, flink }: SuiteOptions): Promise<string | undefined> {
  if (!against.includes("flink")) return undefined;
  try {
    return await prepareFlink(flink);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    note(error.message);
    return undefined;
  }
}

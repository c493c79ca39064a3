import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MillraceError } from "millrace/internal";
import { type ChildResult, endOf, runChild } from "../child-process.ts";
import { type FlinkPeerOptions, runFlinkPeer } from "../flink-peer.ts";

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const SOURCES_CLI = pathOf("../../../packages/cli/bin/millrace.mjs");
const BUILT_CLI = pathOf("../../../tools/built-cli.mjs");
const BUILD = pathOf("../../../packages/cli/dist/main.js");
const ONE_RECORD_JOB = pathOf("../jobs/one-record.ts");

/**
 * Milliseconds from the start of `millrace run` to its end, with a job of one record and no options.
 *
 * @throws MillraceError `MR_BENCH_ENGINE_FAILED` when the command fails, or nothing has been built.
 * @internal
 */
export async function measureStartUp(cli: "built" | "sources"): Promise<number> {
  if (cli === "built" && !existsSync(BUILD)) throw failed("no build", "Build the packages first: npm run build");
  const startMs = performance.now();
  const args = [cli === "built" ? BUILT_CLI : SOURCES_CLI, "run", ONE_RECORD_JOB];
  const result = await runChild(process.execPath, args, { stdout: "capture" });
  const tookMs = performance.now() - startMs;
  if (isPrinted(result)) return tookMs;
  throw failed(`${endOf(result)} and ${JSON.stringify(result.stdout)}`, "Read its output above");
}

/** The same of the Flink peer with one event. @throws what {@link runFlinkPeer} throws @internal */
export async function measureFlinkStartUp(peer: FlinkPeerOptions): Promise<number> {
  return (await runFlinkPeer(["--query", "ds-passthrough", "--events", "1"], peer)).wallMs;
}

function isPrinted({ exitCode, stdout }: ChildResult): boolean {
  // With several subtasks the printed line begins with the one it came from.
  return exitCode === 0 && /^(\d+> )?one record\n$/.test(stdout);
}

function failed(found: string, todo: string): MillraceError {
  return new MillraceError("MR_BENCH_ENGINE_FAILED", {
    what: "The job of one record did not run",
    found,
    expected: "exit code 0 and the record on stdout",
    todo,
  });
}

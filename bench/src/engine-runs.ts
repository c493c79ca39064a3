import { fileURLToPath } from "node:url";
import { MillraceError } from "millrace/internal";
import { endOf, lastJsonLine, runChild } from "./child-process.ts";
import type { EngineRequest } from "./engine-main.ts";
import type { EngineName, EngineOptions, EngineReport, LatencyReport } from "./engine-options.ts";
import { type FlinkPeerOptions, runFlink } from "./flink-peer.ts";
import { prepareRows } from "./rows-file.ts";

const ENGINE_PROCESS = fileURLToPath(new URL("../bin/engine.mjs", import.meta.url));

/**
 * Runs one engine in a process of its own and returns what it measured.
 *
 * @throws MillraceError `MR_BENCH_ENGINE_FAILED` when the process ends without a report, and what {@link runFlink} and {@link prepareRows}
 *   throw.
 * @internal
 */
export async function runEngine(
  engine: EngineName,
  options: EngineOptions,
  peer: FlinkPeerOptions,
): Promise<EngineReport> {
  if (options.rowsFile !== undefined) await prepareRows(options.rowsFile);
  if (engine === "flink") return runFlink(options, peer);
  if (engine !== "heap") return (await runProcess({ engine, options })) as EngineReport;
  const report = (await runProcess({
    engine: "millrace",
    options: { ...options, backend: "hashmap" },
  })) as EngineReport;
  return { ...report, engine };
}

/**
 * Measures latencies in a process of their own; `options` have a rate.
 *
 * @throws MillraceError `MR_BENCH_ENGINE_FAILED`
 * @internal
 */
export async function runLatencies(options: EngineOptions): Promise<LatencyReport> {
  return (await runProcess({ engine: "millrace", options })) as LatencyReport;
}

async function runProcess(request: EngineRequest): Promise<unknown> {
  const result = await runChild(process.execPath, [ENGINE_PROCESS, JSON.stringify(request)], { stdout: "capture" });
  const report = lastJsonLine(result.stdout);
  if (result.exitCode === 0 && report !== undefined) return report;
  throw new MillraceError("MR_BENCH_ENGINE_FAILED", {
    what: `The process of engine ${request.engine} ended without a report`,
    where: { job: request.options.job },
    found: endOf(result),
    expected: "exit code 0 and one JSON line",
    todo: "Read its output above",
  });
}

import type { EngineOptions, EngineReport, LatencyReport } from "./engine-options.ts";
import { runHand } from "./hand-engine.ts";

/** What `bench` sends to an engine's process as its one argument. @internal */
export interface EngineRequest {
  readonly engine: "millrace" | "hand";
  readonly options: EngineOptions;
}

/** Runs one engine and prints its report as the process's only line on stdout. Returns the exit code. @internal */
export async function engineMain(request: string): Promise<number> {
  // The parent process wrote it a moment ago.
  const { engine, options } = JSON.parse(request) as EngineRequest;
  try {
    const report = await (engine === "hand" ? runHand(options) : runEngineCode(options));
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? describe(error) : String(error)}\n`);
    return 1;
  }
}

/** The hand-written loops run in a process that has not loaded the engine. */
async function runEngineCode(options: EngineOptions): Promise<EngineReport | LatencyReport> {
  const { runMillrace, runLatency } = await import("./millrace-engine.ts");
  return options.ratePerSecond === undefined ? runMillrace(options) : runLatency(options, options.ratePerSecond);
}

/** Coded errors say all in their message; of anything else the place matters. */
function describe(error: Error): string {
  return error.name === "MillraceError" ? error.message : (error.stack ?? error.message);
}

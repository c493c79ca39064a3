import { MillraceError } from "millrace/internal";
import type { EngineOptions, EngineReport } from "./engine-options.ts";

/** Runs a job on the engine in this process. @internal */
export function runMillrace(options: EngineOptions): Promise<EngineReport> {
  return Promise.reject(
    new MillraceError("MR_BENCH_JOB_MISSING", {
      what: "The job is not written for Millrace yet",
      where: { job: options.job },
      todo: "Measure the other engines with --only hand,flink",
    }),
  );
}

/** Above all rooms: the thread in which the code of a job is tried out, see `job-trial.ts`. */
import { toErrorMessage } from "./base/error-message.ts";
import { buildPipeline } from "./build-pipeline.ts";
import { Configuration } from "./config/configuration.ts";
import { loadClusterJob } from "./job-module.ts";
import type { TrialInput, TrialResult } from "./job-trial.ts";
import type { WorkerScope } from "./platform/platform.ts";

/** @internal */
export async function main(scope: WorkerScope): Promise<void> {
  const { url, args, given } = scope.input as TrialInput;
  const end = (result: TrialResult): void => {
    scope.postMessage(result);
    scope.exit(0);
  };
  try {
    await buildPipeline(await loadClusterJob(url), url, args, Configuration.fromLayered(given));
    end({ kind: "built" });
  } catch (error) {
    end({ kind: "failed", error: toErrorMessage(error) });
  }
}

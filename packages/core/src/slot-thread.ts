/** Above all rooms: what a slot's thread runs. Loads the job's module and gives it an environment to build in. */
import { PipelineEnvironment } from "./api/environment.ts";
import { parseJobArguments } from "./api/job-arguments.ts";
import { MillraceError } from "./base/errors.ts";
import type { Configuration } from "./config/configuration.ts";
import { loadJobModule } from "./job-module.ts";
import type { WorkerScope } from "./platform/platform.ts";
import { type BuiltPipeline, runSlotThread } from "./taskmanager/threads/slot-thread-main.ts";

/** @internal */
export function main(scope: WorkerScope): Promise<void> {
  return runSlotThread(scope, ({ url, args }, configuration) => build(url, args, configuration));
}

async function build(url: string, args: readonly string[], configuration: Configuration): Promise<BuiltPipeline> {
  const job = await loadJobModule(url);
  const env = new PipelineEnvironment({
    configuration,
    executor: {
      executeAsync: () => {
        throw new MillraceError("MR_EXECUTE_IN_MODULE", {
          what: "A job's module ran the job itself while a slot's thread was building it",
          where: { module: url },
          found: "a call of execute, executeAsync or executeAndCollect",
          expected: "a default export that only builds the pipeline",
          todo: "Leave the call out: whoever loads the module runs the job",
        });
      },
    },
  });
  await job(env, parseJobArguments([...args]));
  return { transformations: env.getTransformations(), configuration: env.configuration };
}

/** Above all rooms: gives a job's function an environment to build its pipeline in, where nobody runs it. */
import { PipelineEnvironment } from "./api/environment.ts";
import { parseJobArguments } from "./api/job-arguments.ts";
import { MillraceError } from "./base/errors.ts";
import type { Configuration } from "./config/configuration.ts";
import type { JobFunction } from "./job-module.ts";
import type { BuiltPipeline } from "./taskmanager/threads/slot-thread-main.ts";

/**
 * @param url - Where the job comes from, for messages.
 * @param configuration - What the job starts from; what it sets is in what is returned.
 * @throws MillraceError `MR_EXECUTE_IN_MODULE`, and what the job throws
 * @internal
 */
export async function buildPipeline(
  job: JobFunction,
  url: string,
  args: readonly string[],
  configuration: Configuration,
): Promise<BuiltPipeline> {
  const env = new PipelineEnvironment({
    configuration,
    executor: {
      executeAsync: () => {
        throw new MillraceError("MR_EXECUTE_IN_MODULE", {
          what: "A job's module ran the job itself while somebody else was building it",
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

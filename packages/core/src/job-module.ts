import type { PipelineEnvironment } from "./api/environment.ts";
import type { JobArguments } from "./api/job-arguments.ts";
import { MillraceError } from "./base/errors.ts";

/** What a module exports, as the engine calls it. @internal */
export type JobFunction = (env: PipelineEnvironment, args: JobArguments) => void | Promise<void>;

/**
 * Loads a module whose default export builds a job.
 *
 * @param url - Where the module is, as `import` takes it.
 * @throws MillraceError `MR_JOB_INVALID`; what the module throws while it is loaded is passed on
 * @internal
 */
export async function loadJobModule(url: string): Promise<JobFunction> {
  const module = (await import(url)) as { readonly default?: unknown };
  if (typeof module.default === "function") return module.default as JobFunction;
  throw new MillraceError("MR_JOB_INVALID", {
    what: "The job's module cannot be used",
    where: { module: url },
    found: module.default === undefined ? "no default export" : `a default export of type ${typeof module.default}`,
    expected: "a module whose default export is (env, args) => void",
    todo: "Export the function that builds the job as the module's default",
  });
}

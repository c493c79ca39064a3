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

/**
 * As {@link loadJobModule}, for code that was sent to a cluster.
 * @throws MillraceError `MR_JOB_INVALID`, also when a package is not there that the code has not with it
 * @internal
 */
export async function loadClusterJob(url: string): Promise<JobFunction> {
  try {
    return await loadJobModule(url);
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new MillraceError("MR_JOB_INVALID", {
      what: "The job's code imports what this process of the cluster does not have",
      where: { module: url },
      found: error.message,
      expected:
        "packages of Millrace and packages with native code in a node_modules directory at or above process.working-dir",
      todo: "Install the package there on every machine of the cluster; all other packages travel in the job's code",
      cause: error,
    });
  }
}

/** Loads what the user wrote: a TypeScript or JavaScript module, without a build step. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Job, type JobArguments, MillraceError } from "millrace";

import { bundleJob } from "./job-bundle.ts";

/** What a job's module exports. @internal */
export interface JobModule {
  /** Where its bundle is; every thread of the job loads it. */
  readonly url: string;
  readonly build: Job;
  /** Printed when the job has finished. */
  readonly summary: ((args: JobArguments) => string | Promise<string>) | undefined;
}

/**
 * Loads a job; a plain script, which has no default export, has run when it is loaded, and then there is nothing to return.
 *
 * @throws MillraceError `MR_JOB_NOT_FOUND`, `MR_JOB_INVALID`; what a plain script throws is passed on
 * @internal
 */
export async function loadJob(path: string): Promise<JobModule | undefined> {
  const { url, hasDefaultExport } = await bundleJob(path);
  if (!hasDefaultExport) {
    // A script runs in this thread as it is, so its TypeScript is compiled file by file.
    const { register } = await import("tsx/esm/api");
    register();
    await importModule(pathToFileURL(resolve(path)).href, path);
    return undefined;
  }
  const { default: build, summary } = await importModule(url, path);
  if (typeof build !== "function") throw invalid(path, `a default export of type ${typeof build}`, undefined);
  return {
    url,
    // Its parameters are checked by the compiler, in the user's project.
    build: build as Job,
    summary: typeof summary === "function" ? (summary as NonNullable<JobModule["summary"]>) : undefined,
  };
}

async function importModule(url: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    // A module that cannot be compiled or found is the job's fault; what a script throws while it runs is its own.
    if (error instanceof SyntaxError || (error as Error | null)?.name === "TransformError")
      throw invalid(path, (error as Error).message, error);
    if ((error as NodeJS.ErrnoException | null)?.code === "ERR_MODULE_NOT_FOUND")
      throw invalid(path, (error as Error).message, error);
    throw error;
  }
}

function invalid(path: string, found: string, cause: unknown): MillraceError {
  return new MillraceError("MR_JOB_INVALID", {
    what: "The job's module cannot be used",
    where: { path },
    found,
    expected: "a module whose default export is (env, args) => void, or a script that calls env.execute()",
    todo: "Correct the module",
    cause,
  });
}

/** Loads what the user wrote: a TypeScript or JavaScript module, without a build step. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Job, type JobArguments, MillraceError } from "millrace";

/** What a job's module may export. @internal */
export interface JobModule {
  /** Undefined for a plain script, which has run when it is loaded. */
  readonly build: Job | undefined;
  /** Printed when the job has finished. */
  readonly summary: ((args: JobArguments) => string | Promise<string>) | undefined;
}

/**
 * @throws MillraceError `MR_JOB_NOT_FOUND`, `MR_JOB_INVALID`; what a plain script throws is passed on
 * @internal
 */
export async function loadJob(path: string): Promise<JobModule> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new MillraceError("MR_JOB_NOT_FOUND", {
      what: "There is no such job",
      where: { path },
      found: "nothing at this path",
      expected: "a TypeScript or JavaScript module",
      todo: "Correct the path",
    });
  }
  const module = await importJob(file, path);
  const { default: build, summary } = module;
  if (build !== undefined && typeof build !== "function") {
    throw invalid(path, `a default export of type ${typeof build}`, undefined);
  }
  return {
    // Its parameters are checked by the compiler, in the user's project.
    build: build as Job | undefined,
    summary: typeof summary === "function" ? (summary as NonNullable<JobModule["summary"]>) : undefined,
  };
}

async function importJob(file: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
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

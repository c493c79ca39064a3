import { type Configuration, MillraceError, StreamExecutionEnvironment } from "millrace";
import { buildJobGraph, graphOptionsOf } from "millrace/internal";
import { loadJob } from "./job-module.ts";
import { readSettings, type SettingOptions } from "./settings.ts";

/** A job that was built and not run. @internal */
export interface BuiltJob {
  readonly graph: ReturnType<typeof buildJobGraph>;
  readonly configuration: Configuration;
}

/** @param purpose - What cannot be done with a plain script. @throws MillraceError `MR_JOB_INVALID` for a plain script @internal */
export async function buildJob(
  path: string,
  args: readonly string[],
  options: SettingOptions,
  purpose: string,
): Promise<BuiltJob> {
  const configuration = readSettings(options);
  const module = await loadJob(path);
  if (module === undefined) {
    throw new MillraceError("MR_JOB_INVALID", {
      what: `Only a job module can be ${purpose} without running it`,
      where: { path },
      found: "a module without a default export",
      expected: "export default (env, args) => void",
      todo: "Move the pipeline into a default export",
    });
  }
  const { url, build } = module;
  const env = await StreamExecutionEnvironment.ofJobModule(url, { configuration, args, job: build });
  const graph = buildJobGraph(env.getTransformations(), graphOptionsOf(env.getConfig(), path));
  return { graph, configuration: env.getConfig() };
}

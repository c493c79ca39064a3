import { MillraceError, StreamExecutionEnvironment } from "millrace";
import { buildJobGraph, explainJobGraph, generateChain, graphOptionsOf, renderPlan } from "millrace/internal";
import { loadJob } from "./job-module.ts";
import { readSettings, type SettingOptions } from "./settings.ts";

/** @internal */
export interface ExplainOptions extends SettingOptions {
  readonly json?: boolean;
  readonly code?: boolean;
}

/** The plan of a job, which is built but not run. @throws MillraceError `MR_JOB_INVALID` for a plain script @internal */
export async function explainJob(path: string, args: readonly string[], options: ExplainOptions): Promise<string> {
  const configuration = readSettings(options);
  const module = await loadJob(path);
  if (module === undefined) {
    throw new MillraceError("MR_JOB_INVALID", {
      what: "Only a job module can be explained without running it",
      where: { path },
      found: "a module without a default export",
      expected: "export default (env, args) => void",
      todo: "Move the pipeline into a default export",
    });
  }
  const { url, build } = module;
  const env = await StreamExecutionEnvironment.ofJobModule(url, { configuration, args, job: build });
  const graph = buildJobGraph(env.getTransformations(), graphOptionsOf(env.getConfig(), path));
  if (options.json === true) return `${JSON.stringify(explainJobGraph(graph), undefined, 2)}\n`;
  if (options.code !== true) return renderPlan(graph);
  const sources = graph.vertices.map((vertex) => `// vertex ${vertex.id}\n${generateChain(vertex).text}`);
  return `${renderPlan(graph)}\n${sources.join("\n")}`;
}

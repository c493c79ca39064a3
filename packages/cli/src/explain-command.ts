import { explainJobGraph, generateChain, renderPlan } from "millrace/internal";
import { buildJob } from "./built-job.ts";
import type { SettingOptions } from "./settings.ts";

/** @internal */
export interface ExplainOptions extends SettingOptions {
  readonly json?: boolean;
  readonly code?: boolean;
}

/** The plan of a job, which is built but not run. @throws MillraceError `MR_JOB_INVALID` for a plain script @internal */
export async function explainJob(path: string, args: readonly string[], options: ExplainOptions): Promise<string> {
  const { graph } = await buildJob(path, args, options, "explained");
  if (options.json === true) return `${JSON.stringify(explainJobGraph(graph), undefined, 2)}\n`;
  if (options.code !== true) return renderPlan(graph);
  const sources = graph.vertices.map((vertex) => `// vertex ${vertex.id}\n${generateChain(vertex).text}`);
  return `${renderPlan(graph)}\n${sources.join("\n")}`;
}

/** What the code of a job would run. */
import { Configuration } from "../config/configuration.ts";
import type { ConfigEntry, LayeredEntry } from "../config/option-registry.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { describeJobGraph, type JobPlan } from "../graph/describe.ts";
import { graphOptionsOf } from "../graph/graph-options.ts";
import type { StoredJob } from "../jobmanager/dispatcher/job-store.ts";
import type { JobCode } from "./job-code.ts";

export interface JobPreview {
  readonly plan: JobPlan;
  readonly isBatch: boolean;
}

/** Builds the job in this thread, once it has been tried out, and starts nothing. @throws MillraceError what the job and `buildJobGraph` throw */
export async function previewJob(code: JobCode, name: string, given: Configuration): Promise<JobPreview> {
  await code.tryOut?.(given);
  const { transformations, configuration } = await code.build(given.copy());
  const graph = buildJobGraph(transformations, graphOptionsOf(configuration, name));
  return { plan: describeJobGraph(graph), isBatch: graph.isBatch };
}

/** What a job's module starts from: the cluster's settings, and above them those of the submission. */
export function givenTo(cluster: Configuration, entries: StoredJob["configuration"]): Configuration {
  const submitted = submittedConfiguration(entries).toEntries();
  const keys = new Set(submitted.filter(({ layer }) => layer === "file").map(({ key }) => key));
  const own = cluster.toEntries().filter(({ key }) => !keys.has(key));
  return Configuration.fromLayered([...own.map((entry) => ({ ...entry, layer: "file" as const })), ...submitted]);
}

/**
 * What a client has said. Unless it names another layer, it is a command line, which wins over the job's code as it does
 * where a command runs a job itself.
 * @throws MillraceError as `Configuration.fromLayers`
 */
export function submittedConfiguration(entries: readonly (ConfigEntry | LayeredEntry)[]): Configuration {
  return Configuration.fromLayered(entries.map((entry) => ({ layer: "command line" as const, ...entry })));
}

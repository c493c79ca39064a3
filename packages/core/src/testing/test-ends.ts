/** The pipeline of a job with other sources and sinks than its own: what tests of whole jobs run. */
import type { JobArguments } from "../api/job-arguments.ts";
import { parseJobArguments } from "../api/job-arguments.ts";
import type { Configuration } from "../config/configuration.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { SinkSpec, SourceSpec } from "../operators/operator-spec.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/** A job as its module exports it: builds the pipeline, and does not execute it. @public */
export type JobUnderTest = (env: StreamExecutionEnvironment, args: JobArguments) => void | Promise<void>;

/** What replaces the ends; undefined leaves one as it is. @internal */
export interface TestEnds {
  source(spec: SourceSpec, name: string): SourceSpec | undefined;
  sink(spec: SinkSpec, name: string): SinkSpec;
  /** Of the sources that are replaced; undefined leaves it as it is. */
  readonly sourceParallelism: number | undefined;
}

/** Lets a job build its pipeline; what it sets in the configuration stays there. @internal */
export async function pipelineOf(
  job: JobUnderTest,
  configuration: Configuration,
  args: readonly string[],
): Promise<readonly Transformation[]> {
  const refusal = testKitMisused("A job under test is run by its test", "execute()", "Leave execute() to the caller");
  const env = new StreamExecutionEnvironment({
    executor: { executeAsync: () => Promise.reject(refusal) },
    configuration,
  });
  await job(env, parseJobArguments([...args]));
  return env.getTransformations();
}

/** @internal */
export function withTestEnds(transformations: readonly Transformation[], ends: TestEnds): readonly Transformation[] {
  const replaced = new Map<Transformation, Transformation>();
  for (const each of transformations) {
    const inputs = each.inputs.map((edge) => ({ ...edge, source: replaced.get(edge.source)! }));
    replaced.set(each, { ...replacementOf(each, ends), inputs });
  }
  return [...replaced.values()];
}

function replacementOf(each: Transformation, ends: TestEnds): Transformation {
  const { spec } = each;
  if (spec.kind === "sink") return { ...each, spec: ends.sink(spec, endName(each)) };
  const source = spec.kind === "source" ? ends.source(spec, endName(each)) : undefined;
  if (source === undefined) return each;
  return { ...each, spec: source, parallelism: ends.sourceParallelism ?? each.parallelism };
}

/** What a test calls a source or a sink: its name without the prefix that plans show. @internal */
export function endName(transformation: Transformation): string {
  return transformation.name.replace(/^(?:Source|Sink): /, "");
}

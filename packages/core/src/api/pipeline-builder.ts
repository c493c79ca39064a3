/**
 * Collects the transformations that the streams of one environment make, and hands them over as a pipeline.
 *
 * - B1. A transformation's inputs were created before it and have lower ids.
 * - B2. A pipeline holds what was created since the last one, and everything that feeds it.
 */
import type { Configuration } from "../config/configuration.ts";
import { PIPELINE_NAME } from "../config/pipeline-options.ts";
import type { Transformation, TransformationEdge } from "../graph/transformation.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { UserCall } from "./call-site.ts";
import type { JobClient } from "./job-client.ts";
import type { ExecuteOptions, JobExecutor } from "./job-executor.ts";
import { JobListeners } from "./job-listener.ts";

const DEFAULT_JOB_NAME = "Millrace Streaming Job";

/** @internal */
export class PipelineBuilder {
  readonly configuration: Configuration;
  readonly listeners: JobListeners;
  readonly #executor: JobExecutor;
  #pending: Transformation[] = [];
  #nextId = 0;

  constructor(executor: JobExecutor, configuration: Configuration) {
    this.#executor = executor;
    this.listeners = new JobListeners((message) => executor.warn?.(message));
    this.configuration = configuration;
  }

  add(call: UserCall, name: string, spec: OperatorSpec, inputs: readonly TransformationEdge[]): Transformation {
    const transformation: Transformation = {
      id: this.#nextId++,
      spec,
      inputs,
      callSite: call.callSite,
      name,
      uid: undefined,
      parallelism: undefined,
      maxParallelism: undefined,
      chaining: "always",
    };
    this.#pending.push(transformation);
    return transformation;
  }

  /** What the next pipeline holds (B2), in the order of creation. */
  transformations(): readonly Transformation[] {
    const reached = new Set<Transformation>();
    const open = [...this.#pending];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(...next.inputs.map((edge) => edge.source));
    }
    return [...reached].sort((left, right) => left.id - right.id);
  }

  /** Starts what was built; the environment is empty afterwards, as in Flink. */
  async execute(name: string | undefined, options: ExecuteOptions): Promise<JobClient> {
    const transformations = this.transformations();
    this.#pending = [];
    const configuration = this.configuration.copy();
    const jobName = name ?? configuration.get(PIPELINE_NAME) ?? DEFAULT_JOB_NAME;
    return this.listeners.submitted(
      this.#executor.executeAsync({ name: jobName, transformations, configuration }, options),
    );
  }
}

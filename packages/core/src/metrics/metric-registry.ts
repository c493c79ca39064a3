import { MetricGroup, type RegisteredMetric } from "./metric-group.ts";
import {
  defaultScopeFormats,
  fillScope,
  type JobScope,
  jobVariables,
  type MetricVariables,
  type OperatorScope,
  operatorVariables,
  type ScopeFormats,
  type TaskScope,
  taskVariables,
} from "./scope.ts";

/**
 * All metrics of one process, under Flink's identifiers. Owns nothing else: whoever has a clock calls
 * {@link MetricRegistry.sampleMeters}, and reporters read {@link MetricRegistry.list}.
 * @internal
 */
export class MetricRegistry {
  readonly #formats: ScopeFormats;
  readonly #groups = new Set<MetricGroup>();

  constructor(formats: ScopeFormats = defaultScopeFormats) {
    this.#formats = formats;
  }

  /** Metrics of a job as a whole: restarts, checkpoints. */
  jobGroup(scope: Omit<JobScope, "taskManagerId">): MetricGroup {
    return this.#add(this.#formats.jobManagerJob, jobVariables(scope));
  }

  /** Metrics of what one process has of a job. */
  taskManagerJobGroup(scope: JobScope): MetricGroup {
    const variables = new Map([...jobVariables(scope), ["<tm_id>", scope.taskManagerId] as const]);
    return this.#add(this.#formats.taskManagerJob, variables);
  }

  /** Metrics of one subtask: time accounting, buffers, alignment. */
  taskGroup(scope: TaskScope): MetricGroup {
    return this.#add(this.#formats.task, taskVariables(scope));
  }

  /** Metrics of one operator in one subtask, those of user functions included. */
  operatorGroup(scope: OperatorScope): MetricGroup {
    return this.#add(this.#formats.operator, operatorVariables(scope));
  }

  /** Forgets a group and all below it; called when its subtask has ended. Removing it twice is harmless. */
  remove(group: MetricGroup): void {
    this.#groups.delete(group);
  }

  /** Every metric there is, sorted by identifier. */
  list(): readonly RegisteredMetric[] {
    const metrics = [...this.#groups].flatMap((group) => [...group.all()]);
    return metrics.sort((a, b) => (a.identifier < b.identifier ? -1 : a.identifier > b.identifier ? 1 : 0));
  }

  /** Notes the counts that rates are computed from; to be called every `METER_SAMPLE_INTERVAL_MS`. */
  sampleMeters(monoMs: number): void {
    for (const group of this.#groups) {
      for (const registered of group.all()) if (registered.kind === "meter") registered.metric.sample(monoMs);
    }
  }

  #add(format: string, variables: MetricVariables): MetricGroup {
    const group = new MetricGroup(fillScope(format, variables), variables);
    this.#groups.add(group);
    return group;
  }
}

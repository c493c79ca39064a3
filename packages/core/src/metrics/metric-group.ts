import { MillraceError } from "../base/errors.ts";
import { Counter } from "./counter.ts";
import type { Gauge, GaugeValue } from "./gauge.ts";
import { HISTOGRAM_SIZE_DEFAULT, Histogram } from "./histogram.ts";
import { Meter } from "./meter.ts";
import type { MetricVariables } from "./scope.ts";

/** @public */
export type Metric =
  | { readonly kind: "counter"; readonly metric: Counter }
  | { readonly kind: "gauge"; readonly metric: Gauge }
  | { readonly kind: "meter"; readonly metric: Meter }
  | { readonly kind: "histogram"; readonly metric: Histogram };

/** A metric under its full name. @public */
export type RegisteredMetric = Metric & {
  /** Scope, groups and name, joined by the delimiter: `"host.taskmanager.tm-1.delays.hourly.0.numRecordsIn"`. */
  readonly identifier: string;
  readonly name: string;
  readonly variables: MetricVariables;
};

/** Metrics and subgroups of one group. More than this means a name made of data, such as a counter for every key. */
const GROUP_MEMBERS_MAX = 1000;

const DELIMITER = ".";

/**
 * A place to register metrics. Every operator has one in its runtime context; {@link MetricGroup.addGroup} makes more.
 *
 * Registering belongs into `open`, not into the path of a record. Asking twice for a counter, meter or histogram of one
 * name gives the same object.
 *
 * @example
 * const late = context.metricGroup.addGroup("airports").counter("lateFlights");
 * late.inc();
 * @public
 */
export class MetricGroup {
  readonly #scope: string;
  readonly #variables: MetricVariables;
  readonly #metrics = new Map<string, Metric>();
  readonly #children = new Map<string, MetricGroup>();

  /** @internal */
  constructor(scope: string, variables: MetricVariables) {
    this.#scope = scope;
    this.#variables = variables;
  }

  /** @throws MillraceError `MR_METRIC_NAME_TAKEN`, `MR_METRIC_LIMIT` */
  counter(name: string): Counter {
    const existing = this.#metrics.get(name);
    if (existing?.kind === "counter") return existing.metric;
    const metric = new Counter();
    this.#register(name, { kind: "counter", metric });
    return metric;
  }

  /**
   * Shows what `read` returns at the moment somebody looks.
   * @throws MillraceError `MR_METRIC_NAME_TAKEN` also for a second gauge of the name, `MR_METRIC_LIMIT`
   */
  gauge(name: string, read: () => GaugeValue): Gauge {
    const metric: Gauge = { getValue: read };
    this.#register(name, { kind: "gauge", metric });
    return metric;
  }

  /**
   * @param counter - What the meter measures; by default events are marked on the meter itself.
   * @throws MillraceError `MR_METRIC_NAME_TAKEN`, `MR_METRIC_LIMIT`
   */
  meter(name: string, counter?: Counter): Meter {
    const existing = this.#metrics.get(name);
    if (existing?.kind === "meter") return existing.metric;
    const metric = new Meter(counter);
    this.#register(name, { kind: "meter", metric });
    return metric;
  }

  /**
   * @param size - How many of the latest values count.
   * @throws MillraceError `MR_METRIC_NAME_TAKEN`, `MR_METRIC_LIMIT`
   */
  histogram(name: string, size: number = HISTOGRAM_SIZE_DEFAULT): Histogram {
    const existing = this.#metrics.get(name);
    if (existing?.kind === "histogram") return existing.metric;
    const metric = new Histogram(size);
    this.#register(name, { kind: "histogram", metric });
    return metric;
  }

  /**
   * The subgroup of that name. With a value it is a variable as well: `addGroup("topic", "orders")` puts `topic.orders`
   * into identifiers and `<topic>` = `orders` into the variables.
   * @throws MillraceError `MR_METRIC_LIMIT`
   */
  addGroup(name: string, value?: string): MetricGroup {
    const part = value === undefined ? name : `${name}${DELIMITER}${value}`;
    const existing = this.#children.get(part);
    if (existing !== undefined) return existing;
    this.#checkLimit(part);
    const variables = value === undefined ? this.#variables : new Map([...this.#variables, [`<${name}>`, value]]);
    const child = new MetricGroup(this.getMetricIdentifier(part), variables);
    this.#children.set(part, child);
    return child;
  }

  getAllVariables(): MetricVariables {
    return this.#variables;
  }

  /** The full name that a metric of this group has. */
  getMetricIdentifier(name: string): string {
    return this.#scope === "" ? name : `${this.#scope}${DELIMITER}${name}`;
  }

  /** The metrics of this group and of all below it, in the order of registration. @internal */
  *all(): Generator<RegisteredMetric> {
    for (const [name, metric] of this.#metrics) {
      yield { ...metric, name, identifier: this.getMetricIdentifier(name), variables: this.#variables };
    }
    for (const child of this.#children.values()) yield* child.all();
  }

  #register(name: string, metric: Metric): void {
    const existing = this.#metrics.get(name);
    if (existing !== undefined) {
      throw new MillraceError("MR_METRIC_NAME_TAKEN", {
        what: `A ${metric.kind} cannot be registered`,
        where: { metric: this.getMetricIdentifier(name) },
        found: `a ${existing.kind} of that name`,
        expected: "a name that is free in its group",
        todo: "Choose another name, or put one of the two into a group of its own with addGroup",
      });
    }
    this.#checkLimit(name);
    this.#metrics.set(name, metric);
  }

  #checkLimit(name: string): void {
    if (this.#metrics.size + this.#children.size < GROUP_MEMBERS_MAX) return;
    throw new MillraceError("MR_METRIC_LIMIT", {
      what: "A metric group is full",
      where: { metric: this.getMetricIdentifier(name) },
      found: `${GROUP_MEMBERS_MAX} metrics and groups in it`,
      expected: `at most ${GROUP_MEMBERS_MAX}`,
      todo: "Do not make metric names of data such as keys; count in keyed state instead",
    });
  }
}

import type { MetricRegistry } from "./metric-registry.ts";
import { type MetricValue, metricValue } from "./metric-value.ts";

/** A metric as it was when somebody looked: plain data. @public */
export interface MetricSnapshot {
  /** Scope, groups and name: `"host.taskmanager.slot-0.flights.hourly.0.numRecordsIn"`. */
  readonly identifier: string;
  readonly name: string;
  readonly kind: "counter" | "gauge" | "meter" | "histogram";
  /** A counter's number, what a gauge shows, a meter's count and rate, a histogram's figures. */
  readonly value: MetricValue;
}

/** All metrics of a registry, sorted by identifier. @internal */
export function metricSnapshots(registry: MetricRegistry): readonly MetricSnapshot[] {
  return registry.list().map((registered) => ({
    identifier: registered.identifier,
    name: registered.name,
    kind: registered.kind,
    value: metricValue(registered),
  }));
}

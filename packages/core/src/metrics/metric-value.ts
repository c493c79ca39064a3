import { unreachable } from "../base/errors.ts";
import type { GaugeValue } from "./gauge.ts";
import type { HistogramStatistics } from "./histogram.ts";
import type { Metric } from "./metric-group.ts";

/** What a metric shows right now, ready for JSON. @public */
export type MetricValue = GaugeValue | Readonly<Record<string, number>>;

const quantiles: readonly (readonly [name: string, share: number])[] = [
  ["p50", 0.5],
  ["p75", 0.75],
  ["p95", 0.95],
  ["p98", 0.98],
  ["p99", 0.99],
  ["p999", 0.999],
];

/** Reads a metric: a counter is a number, a meter count and rate, a histogram its figures. @internal */
export function metricValue(metric: Metric): MetricValue {
  switch (metric.kind) {
    case "counter":
      return metric.metric.value;
    case "gauge":
      return metric.metric.getValue();
    case "meter":
      return { count: metric.metric.getCount(), rate: metric.metric.getRate() };
    case "histogram":
      return { count: metric.metric.getCount(), ...figuresOf(metric.metric.getStatistics()) };
    default:
      return unreachable(metric);
  }
}

function figuresOf(statistics: HistogramStatistics): Readonly<Record<string, number>> {
  const { min, max, mean, stddev } = statistics;
  return {
    min,
    max,
    mean,
    stddev,
    ...Object.fromEntries(quantiles.map(([name, share]) => [name, statistics.quantile(share)])),
  };
}

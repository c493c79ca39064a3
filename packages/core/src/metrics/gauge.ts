/** What a gauge may show: something that fits a line of JSON. @public */
export type GaugeValue = number | string | boolean | bigint | undefined;

/**
 * A value that is asked for when somebody looks. The function runs on the thread of the task between two records, so it
 * may read the task's fields; it must be quick and must not throw.
 * @public
 */
export interface Gauge {
  getValue(): GaugeValue;
}

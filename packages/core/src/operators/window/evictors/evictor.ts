/** Which elements of a window its function sees. */
import type { MetricGroup } from "../../../metrics/metric-group.ts";
import type { Window } from "../../../time/window.ts";

/** An element with its event time in epoch ms, or `NO_TIMESTAMP`. @public */
export interface TimestampedValue<T> {
  readonly value: T;
  readonly timestamp: number;
}

/** What an evictor is told about its window. @public */
export interface EvictorContext {
  /** Epoch ms. */
  getCurrentProcessingTime(): number;
  getCurrentWatermark(): number;
  getMetricGroup(): MetricGroup;
}

/**
 * Removes elements of a window for good, before or after its function sees them: out of the array, in place. A window
 * with an evictor keeps all its elements. Evictors are copied for every subtask and asked about many windows.
 *
 * @example
 * class WithoutOutliers implements Evictor<Reading> {
 *   evictBefore(elements: TimestampedValue<Reading>[]): void {
 *     evictWhere(elements, ({ value }) => value.celsius > 100);
 *   }
 *   evictAfter(): void {}
 * }
 * @public
 */
export interface Evictor<T, W extends Window = Window> {
  /** @param elements - In the order in which they came. @param size - How many they are. */
  evictBefore(elements: TimestampedValue<T>[], size: number, window: W, context: EvictorContext): void;
  evictAfter(elements: TimestampedValue<T>[], size: number, window: W, context: EvictorContext): void;
}

/**
 * Removes the elements that the function says true for.
 *
 * @example
 * evictWhere(elements, ({ timestamp }) => timestamp < cutoff);
 * @public
 */
export function evictWhere<T>(
  elements: TimestampedValue<T>[],
  isEvicted: (element: TimestampedValue<T>) => boolean,
): void {
  let kept = 0;
  for (const element of elements.slice()) {
    if (!isEvicted(element)) elements[kept++] = element;
  }
  elements.length = kept;
}

/** What the evictors here have in common: the same rule, before or after the function. @internal */
export abstract class EitherSideEvictor<T> implements Evictor<T> {
  protected readonly doEvictAfter: boolean;

  constructor(doEvictAfter: boolean) {
    this.doEvictAfter = doEvictAfter;
  }

  evictBefore(elements: TimestampedValue<T>[]): void {
    if (!this.doEvictAfter) this.evict(elements);
  }

  evictAfter(elements: TimestampedValue<T>[]): void {
    if (this.doEvictAfter) this.evict(elements);
  }

  protected abstract evict(elements: TimestampedValue<T>[]): void;
}

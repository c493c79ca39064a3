import type { DeltaFunction } from "../triggers/delta-trigger.ts";
import { EitherSideEvictor, evictWhere, type TimestampedValue } from "./evictor.ts";

/** Keeps the elements that are closer than a threshold to the last one. @public */
export class DeltaEvictor<T> extends EitherSideEvictor<T> {
  private readonly threshold: number;
  private readonly deltaOf: DeltaFunction<T>;

  private constructor(threshold: number, deltaOf: DeltaFunction<T>, doEvictAfter: boolean) {
    super(doEvictAfter);
    this.threshold = threshold;
    this.deltaOf = deltaOf;
  }

  /**
   * @param deltaFunction - Gets an element and then the last one.
   * @param doEvictAfter - Whether the window's function sees them all first. Default false.
   */
  static of<T>(threshold: number, deltaFunction: DeltaFunction<T>, doEvictAfter: boolean = false): DeltaEvictor<T> {
    return new DeltaEvictor<T>(threshold, deltaFunction, doEvictAfter);
  }

  protected override evict(elements: TimestampedValue<T>[]): void {
    const last = elements.at(-1);
    if (last === undefined) return;
    evictWhere(elements, ({ value }) => this.deltaOf(value, last.value) >= this.threshold);
  }

  override toString(): string {
    return `DeltaEvictor(${this.threshold})`;
  }
}

import { requireCount } from "../triggers/count-trigger.ts";
import { EitherSideEvictor, type TimestampedValue } from "./evictor.ts";

/** Keeps the newest elements, in the order in which they came. @public */
export class CountEvictor extends EitherSideEvictor<unknown> {
  private readonly maxCount: number;

  private constructor(maxCount: number, doEvictAfter: boolean) {
    super(doEvictAfter);
    this.maxCount = maxCount;
  }

  /**
   * @param maxCount - How many elements are kept, 0 or more.
   * @param doEvictAfter - Whether the window's function sees them all first. Default false.
   * @throws MillraceError `MR_WINDOW_COUNT_INVALID`
   */
  static of(maxCount: number, doEvictAfter: boolean = false): CountEvictor {
    return new CountEvictor(requireCount("CountEvictor", maxCount, 0), doEvictAfter);
  }

  protected override evict(elements: TimestampedValue<unknown>[]): void {
    if (elements.length > this.maxCount) elements.splice(0, elements.length - this.maxCount);
  }

  override toString(): string {
    return `CountEvictor(${this.maxCount})`;
  }
}

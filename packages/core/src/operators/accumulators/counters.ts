/** Sums. Unlike Java's, integers do not wrap around: what does not fit is refused, where it is added. */
import type { SimpleAccumulator } from "./accumulator.ts";
import { wrongNumber } from "./accumulator-errors.ts";

const INT_EXPECTED = "an integer of 32 bits, and sums of 32 bits";
const LONG_EXPECTED = "a safe integer, and sums that are safe integers";

/** A sum of integers of 32 bits. @public */
export class IntCounter implements SimpleAccumulator<number> {
  private sum: number;

  /** @throws MillraceError `MR_ACCUMULATOR_VALUE_INVALID` unless `sum`, where it begins, is an integer of 32 bits. */
  constructor(sum: number = 0) {
    this.sum = 0;
    this.add(sum);
  }

  /** @throws MillraceError `MR_ACCUMULATOR_VALUE_INVALID` when the value or the sum is no integer of 32 bits. */
  add(value: number): void {
    const sum = this.sum + value;
    if ((sum | 0) !== sum) throw wrongNumber("IntCounter", Number.isInteger(value) ? sum : value, INT_EXPECTED);
    this.sum = sum;
  }

  getLocalValue(): number {
    return this.sum;
  }

  resetLocal(): void {
    this.sum = 0;
  }

  merge(other: IntCounter): void {
    this.add(other.getLocalValue());
  }

  clone(): IntCounter {
    return new IntCounter(this.sum);
  }
}

/** A sum of integers, exact up to ±(2^53 - 1). @public */
export class LongCounter implements SimpleAccumulator<number> {
  private sum: number;

  /** @throws MillraceError `MR_ACCUMULATOR_VALUE_INVALID` unless `sum`, where it begins, is a safe integer. */
  constructor(sum: number = 0) {
    this.sum = 0;
    this.add(sum);
  }

  /** @throws MillraceError `MR_ACCUMULATOR_VALUE_INVALID` when the value or the sum is no safe integer. */
  add(value: number): void {
    const sum = this.sum + value;
    if (!Number.isSafeInteger(sum)) {
      throw wrongNumber("LongCounter", Number.isSafeInteger(value) ? sum : value, LONG_EXPECTED);
    }
    this.sum = sum;
  }

  getLocalValue(): number {
    return this.sum;
  }

  resetLocal(): void {
    this.sum = 0;
  }

  merge(other: LongCounter): void {
    this.add(other.getLocalValue());
  }

  clone(): LongCounter {
    return new LongCounter(this.sum);
  }
}

/** A sum of numbers; as with all sums of fractions, the last digits depend on the order. @public */
export class DoubleCounter implements SimpleAccumulator<number> {
  private sum: number;

  /** @param sum - Where it begins. */
  constructor(sum: number = 0) {
    this.sum = sum;
  }

  add(value: number): void {
    this.sum += value;
  }

  getLocalValue(): number {
    return this.sum;
  }

  resetLocal(): void {
    this.sum = 0;
  }

  merge(other: DoubleCounter): void {
    this.add(other.getLocalValue());
  }

  clone(): DoubleCounter {
    return new DoubleCounter(this.sum);
  }
}

/**
 * The smallest and the largest number, one class for each kind of number as in Flink. Each begins with the last number of
 * its kind, which is also its result when nothing has been added.
 */
import type { SimpleAccumulator } from "./accumulator.ts";
import { wrongNumber } from "./accumulator-errors.ts";

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;

/** What the six have in common. @public */
export abstract class Extreme implements SimpleAccumulator<number> {
  private extreme: number;

  constructor(extreme: number) {
    this.extreme = extreme;
  }

  add(value: number): void {
    this.check(value);
    this.extreme = this.choose(this.extreme, value);
  }

  getLocalValue(): number {
    return this.extreme;
  }

  resetLocal(): void {
    this.extreme = this.none();
  }

  merge(other: SimpleAccumulator<number>): void {
    this.add(other.getLocalValue());
  }

  abstract clone(): Extreme;

  /** What nothing is. */
  protected abstract none(): number;

  protected abstract choose(left: number, right: number): number;

  /** @throws MillraceError `MR_ACCUMULATOR_VALUE_INVALID` */
  protected check(_value: number): void {}
}

/** The smallest of integers of 32 bits; 2^31 - 1 when nothing has been added. @public */
export class IntMinimum extends Extreme {
  constructor(minimum: number = INT_MAX) {
    super(minimum);
  }

  clone(): IntMinimum {
    return new IntMinimum(this.getLocalValue());
  }

  protected none(): number {
    return INT_MAX;
  }

  protected choose(left: number, right: number): number {
    return Math.min(left, right);
  }

  protected override check(value: number): void {
    checkInt("IntMinimum", value);
  }
}

/** The largest of integers of 32 bits; -2^31 when nothing has been added. @public */
export class IntMaximum extends Extreme {
  constructor(maximum: number = INT_MIN) {
    super(maximum);
  }

  clone(): IntMaximum {
    return new IntMaximum(this.getLocalValue());
  }

  protected none(): number {
    return INT_MIN;
  }

  protected choose(left: number, right: number): number {
    return Math.max(left, right);
  }

  protected override check(value: number): void {
    checkInt("IntMaximum", value);
  }
}

/** The smallest of safe integers; 2^53 - 1 when nothing has been added. @public */
export class LongMinimum extends Extreme {
  constructor(minimum: number = Number.MAX_SAFE_INTEGER) {
    super(minimum);
  }

  clone(): LongMinimum {
    return new LongMinimum(this.getLocalValue());
  }

  protected none(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  protected choose(left: number, right: number): number {
    return Math.min(left, right);
  }

  protected override check(value: number): void {
    checkLong("LongMinimum", value);
  }
}

/** The largest of safe integers; -(2^53 - 1) when nothing has been added. @public */
export class LongMaximum extends Extreme {
  constructor(maximum: number = Number.MIN_SAFE_INTEGER) {
    super(maximum);
  }

  clone(): LongMaximum {
    return new LongMaximum(this.getLocalValue());
  }

  protected none(): number {
    return Number.MIN_SAFE_INTEGER;
  }

  protected choose(left: number, right: number): number {
    return Math.max(left, right);
  }

  protected override check(value: number): void {
    checkLong("LongMaximum", value);
  }
}

/** The smallest number; Infinity when nothing has been added, NaN when NaN has been. @public */
export class DoubleMinimum extends Extreme {
  constructor(minimum: number = Number.POSITIVE_INFINITY) {
    super(minimum);
  }

  clone(): DoubleMinimum {
    return new DoubleMinimum(this.getLocalValue());
  }

  protected none(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected choose(left: number, right: number): number {
    return Math.min(left, right);
  }
}

/** The largest number; -Infinity when nothing has been added, NaN when NaN has been. @public */
export class DoubleMaximum extends Extreme {
  constructor(maximum: number = Number.NEGATIVE_INFINITY) {
    super(maximum);
  }

  clone(): DoubleMaximum {
    return new DoubleMaximum(this.getLocalValue());
  }

  protected none(): number {
    return Number.NEGATIVE_INFINITY;
  }

  protected choose(left: number, right: number): number {
    return Math.max(left, right);
  }
}

function checkInt(type: string, value: number): void {
  if ((value | 0) !== value) throw wrongNumber(type, value, "an integer of 32 bits");
}

function checkLong(type: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw wrongNumber(type, value, "a safe integer");
}

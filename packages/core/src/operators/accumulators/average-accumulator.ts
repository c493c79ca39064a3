import type { SimpleAccumulator } from "./accumulator.ts";

/** The mean of numbers; 0 when nothing has been added. @public */
export class AverageAccumulator implements SimpleAccumulator<number> {
  private count = 0;
  private sum = 0;

  add(value: number): void {
    this.count++;
    this.sum += value;
  }

  getLocalValue(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  resetLocal(): void {
    this.count = 0;
    this.sum = 0;
  }

  merge(other: AverageAccumulator): void {
    this.count += other.count;
    this.sum += other.sum;
  }

  clone(): AverageAccumulator {
    return Object.assign(new AverageAccumulator(), this);
  }
}

import type { Accumulator } from "./accumulator.ts";

/**
 * Everything that was added: what one subtask added in its order, the subtasks one behind the other. It is kept in memory
 * until the job ends, so it is for few and small values.
 *
 * @public
 */
export class ListAccumulator<T> implements Accumulator<T, T[]> {
  private values: T[] = [];

  add(value: T): void {
    this.values.push(value);
  }

  getLocalValue(): T[] {
    return [...this.values];
  }

  resetLocal(): void {
    this.values = [];
  }

  merge(other: ListAccumulator<T>): void {
    for (const value of other.values) this.values.push(value);
  }

  clone(): ListAccumulator<T> {
    const copy = new ListAccumulator<T>();
    copy.merge(this);
    return copy;
  }
}

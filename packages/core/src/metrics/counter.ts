/**
 * Counts events. A plain field, so that a hot loop may write `counter.value += batchLength` once per batch and pay
 * nothing per record.
 * @public
 */
export class Counter {
  /** The count; exact up to 2^53. */
  value = 0;

  inc(count = 1): void {
    this.value += count;
  }

  dec(count = 1): void {
    this.value -= count;
  }

  getCount(): number {
    return this.value;
  }
}

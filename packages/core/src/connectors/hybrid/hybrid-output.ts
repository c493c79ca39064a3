import type { PoisonRecord, ReaderOutput } from "../source.ts";
import { hybridSplitId } from "./hybrid-split.ts";

/**
 * Names splits by their source, and knows which of them the source has not finished: they must not hold back the event
 * time of the next one.
 * @internal
 */
export class HybridOutput<T> implements ReaderOutput<T> {
  readonly #sourceIndex: number;
  readonly #unfinished: Set<string> = new Set();
  #output!: ReaderOutput<T>;
  #lastSplit: string | undefined;
  #lastName = "";

  constructor(sourceIndex: number) {
    this.#sourceIndex = sourceIndex;
  }

  /** For one call of `pollNext`. Records that the source assigns to no split belong to one of its own all the same. */
  writeTo(output: ReaderOutput<T>): void {
    this.#output = output;
    this.fromSplit("");
  }

  get remaining(): number {
    return this.#output.remaining;
  }

  collect(value: T, timestamp?: number): void {
    this.#output.collect(value, timestamp);
  }

  fromSplit(splitId: string): void {
    const name = this.#nameOf(splitId);
    this.#unfinished.add(name);
    this.#output.fromSplit(name);
  }

  splitStarted(splitId: string): void {
    const name = this.#nameOf(splitId);
    this.#unfinished.add(name);
    this.#output.splitStarted(name);
  }

  splitFinished(splitId: string): void {
    const name = this.#nameOf(splitId);
    this.#unfinished.delete(name);
    this.#output.splitFinished(name);
  }

  poison(record: PoisonRecord): void {
    this.#output.poison(record);
  }

  /** The source has ended. */
  finishSplits(): void {
    for (const name of this.#unfinished) this.#output.splitFinished(name);
    this.#unfinished.clear();
  }

  #nameOf(splitId: string): string {
    if (splitId !== this.#lastSplit) {
      this.#lastSplit = splitId;
      this.#lastName = hybridSplitId(this.#sourceIndex, splitId);
    }
    return this.#lastName;
  }
}

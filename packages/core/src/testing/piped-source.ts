/** A source that a test pipes records into. */
import type { ReaderOutput, Source, SourceReader, SourceSplit } from "../connectors/source.ts";
import { t } from "../types/declared-types.ts";
import type { Serializer } from "../types/type.ts";
import type { TimestampedValue } from "./harness-subtask.ts";

const nothing = t.object({ splitId: t.string }).serializer as unknown as Serializer<SourceSplit>;

/** @internal */
export class PipedSource implements Source<unknown, SourceSplit, SourceSplit> {
  readonly description: Source<unknown>["description"] = { kind: "piped", options: {} };
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<SourceSplit> = nothing;
  readonly enumeratorStateSerializer: Serializer<SourceSplit> = nothing;
  readonly #queue: TimestampedValue<unknown>[] = [];
  #hasEnded = false;
  #waiting: (() => void) | undefined;

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  pipe(value: unknown, timestamp: number): void {
    this.#queue.push({ value, timestamp });
    this.#ring();
  }

  end(): void {
    this.#hasEnded = true;
    this.#ring();
  }

  createReader(): SourceReader<unknown, SourceSplit> {
    return {
      start: () => {},
      addSplits: () => {},
      notifyNoMoreSplits: () => {},
      pollNext: (output) => this.#poll(output),
      snapshotState: () => [],
      isAvailable: () => this.#whenAvailable(),
      close: () => Promise.resolve(),
    };
  }

  createEnumerator(): never {
    throw new Error("a piped source has no splits");
  }

  restoreEnumerator(): never {
    throw new Error("a piped source has no splits");
  }

  #poll(output: ReaderOutput<unknown>): "nothing-available" | "end-of-input" {
    // One at a time, so that watermarks pass between records, as they do in a slow stream.
    const next = this.#queue.shift();
    if (next !== undefined) output.collect(next.value, next.timestamp);
    return this.#hasEnded && this.#queue.length === 0 ? "end-of-input" : "nothing-available";
  }

  // Settles within the call that pipes a record: a promise would settle after it, and the driver is synchronous.
  #whenAvailable(): Promise<void> {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: it is one, so that its listeners are called at once
      then: (onAvailable: () => void): void => {
        if (this.#queue.length > 0 || this.#hasEnded) onAvailable();
        else this.#waiting = onAvailable;
      },
    };
    // Only `then` is called by the engine.
    return thenable as unknown as Promise<void>;
  }

  #ring(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

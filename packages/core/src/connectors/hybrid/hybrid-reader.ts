import { invariant } from "../../base/errors.ts";
import { Availability } from "../availability.ts";
import type { InputStatus, ReaderOutput, SourceReader, SourceReaderContext, SourceSplit } from "../source.ts";
import { HybridOutput } from "./hybrid-output.ts";
import {
  decoded,
  encoded,
  type HybridReaderEvent,
  type HybridSplit,
  hybridSplitId,
  ownSplitId,
} from "./hybrid-split.ts";
import type { AnySource, SourceSequence } from "./source-sequence.ts";

interface Reading<T> {
  readonly sourceIndex: number;
  readonly source: AnySource<T>;
  readonly reader: SourceReader<T, SourceSplit>;
  readonly output: HybridOutput<T>;
}

/** Reads what the enumerator of a hybrid source switches it to; see H1 to H3 there. @internal */
export class HybridReader<T> implements SourceReader<T, HybridSplit> {
  readonly #sequence: SourceSequence<T>;
  readonly #context: SourceReaderContext;
  /** Of a source to read; while there is one, its reader says what is available. */
  readonly #switched: Availability = new Availability();
  #current: Reading<T> | undefined;
  /** Restored splits, until the enumerator has said where their source begins. */
  #restored: HybridSplit[] = [];
  #hasEnded = false;
  #isClosed = false;
  #previousClosed: Promise<void> = Promise.resolve();

  constructor(sequence: SourceSequence<T>, context: SourceReaderContext) {
    this.#sequence = sequence;
    this.#context = context;
  }

  start(): void {}

  pollNext(output: ReaderOutput<T>): InputStatus {
    this.#switched.throwIfFailed();
    const current = this.#current;
    if (current === undefined) return "nothing-available";
    if (this.#hasEnded) {
      this.#finish(current);
      return "nothing-available";
    }
    current.output.writeTo(output);
    const status = current.reader.pollNext(current.output);
    if (status !== "end-of-input") return status;
    current.output.finishSplits();
    if (current.sourceIndex === this.#sequence.lastIndex) return "end-of-input";
    // H1: the records of this call go through the chain before the next one.
    this.#hasEnded = true;
    return "more-available";
  }

  snapshotState(checkpointId: number): readonly HybridSplit[] {
    if (this.#current === undefined) return this.#restored;
    const { sourceIndex, source, reader } = this.#current;
    return reader.snapshotState(checkpointId).map((split) => ({
      splitId: hybridSplitId(sourceIndex, split.splitId),
      kind: "split",
      sourceIndex,
      content: encoded(source.splitSerializer, split),
    }));
  }

  isAvailable(): Promise<void> {
    if (this.#current === undefined) return this.#switched.whenAvailable();
    return this.#hasEnded ? Promise.resolve() : this.#current.reader.isAvailable();
  }

  addSplits(splits: readonly HybridSplit[]): void {
    for (const split of splits) {
      if (split.kind === "switch") this.#switchTo(split);
      else if (this.#current === undefined) this.#restored.push(split);
      else this.#give(this.#current, split);
    }
  }

  /** Of the last source: the others' ends come as splits. */
  notifyNoMoreSplits(): void {
    invariant(this.#current !== undefined, "H2: there are no more splits of a source that the reader does not know");
    this.#current.reader.notifyNoMoreSplits();
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#current?.reader.notifyCheckpointComplete?.(checkpointId);
  }

  // A source whose reader cannot pause splits is paused as a whole by its host, which asks for splits all the same.
  pauseOrResumeSplits(splitsToPause: readonly string[], splitsToResume: readonly string[]): void {
    this.#current?.reader.pauseOrResumeSplits?.(splitsToPause.map(ownSplitId), splitsToResume.map(ownSplitId));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#previousClosed, this.#current?.reader.close()]);
  }

  #switchTo({ sourceIndex, content }: HybridSplit): void {
    invariant(this.#current === undefined, "H1: a reader was switched before it had finished its source");
    const source = this.#sequence.sourceAt(sourceIndex, content);
    const { platform, subtaskIndex, parallelism } = this.#context;
    const reader = source.createReader({
      platform,
      subtaskIndex,
      parallelism,
      sendSplitRequest: () => this.#context.sendSplitRequest(),
      sendSourceEventToCoordinator: (event) => this.#send({ kind: "event", event }),
    });
    this.#current = { sourceIndex, source, reader, output: new HybridOutput(sourceIndex) };
    reader.start();
    for (const split of this.#restored.splice(0)) this.#give(this.#current, split);
    this.#switched.set();
  }

  #give({ sourceIndex, source, reader }: Reading<T>, split: HybridSplit): void {
    invariant(split.sourceIndex === sourceIndex, "H1: a reader was given a split of a source that is not read");
    if (split.kind === "no-more-splits") reader.notifyNoMoreSplits();
    else reader.addSplits([decoded(source.splitSerializer, split.content)]);
  }

  // What the source holds is released before the next one is opened.
  #finish({ sourceIndex, reader }: Reading<T>): void {
    this.#current = undefined;
    this.#hasEnded = false;
    this.#switched.clear();
    this.#previousClosed = reader.close();
    this.#previousClosed.then(
      () => {
        if (!this.#isClosed) this.#send({ kind: "finished", sourceIndex });
      },
      (error: unknown) => this.#switched.fail(error),
    );
  }

  #send(event: HybridReaderEvent): void {
    this.#context.sendSourceEventToCoordinator(event);
  }
}

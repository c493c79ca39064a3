import type { InputStatus, ReaderOutput, SourceReader, SourceReaderContext } from "millrace";
import { Availability } from "millrace/internal";
import { bySplitOrder, type FileSplit } from "./file-split.ts";
import type { CursorOpener, SplitCursor } from "./read-format.ts";

/** The split being emitted, and the next one that is opened meanwhile. */
const OPEN_SPLITS_MAX = 2;

interface OpenSplit<T> {
  readonly split: FileSplit;
  /** Undefined until it is open. */
  cursor: SplitCursor<T> | undefined;
  /** The open or fill under way; never rejects. */
  loading: Promise<void> | undefined;
}

/**
 * Reads splits one after the other, in file and offset order. All I/O happens between polls: while a block is emitted
 * the next piece of the split is read, and towards its end the next split is asked for and opened.
 * @internal
 */
export class FileReader<T> implements SourceReader<T, FileSplit> {
  readonly #context: SourceReaderContext;
  readonly #opener: CursorOpener<T>;
  readonly #availability: Availability = new Availability();
  readonly #open: OpenSplit<T>[] = [];
  readonly #paused: Set<string> = new Set();
  #queue: FileSplit[] = [];
  #isRequested = false;
  #noMoreSplits = false;

  constructor(context: SourceReaderContext, opener: CursorOpener<T>) {
    this.#context = context;
    this.#opener = opener;
  }

  // The first poll asks for a split, unless restored ones are here by then.
  start(): void {
    this.#availability.set();
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    this.#availability.throwIfFailed();
    this.#advance();
    const current = this.#open[0];
    if (current?.cursor !== undefined && this.#isReady(current)) this.#emit(current, current.cursor, output);
    // Cleared before I/O or a request is started: both may be answered at once.
    this.#availability.clear();
    this.#advance();
    const status = this.#status();
    if (status !== "nothing-available") this.#availability.set();
    return status;
  }

  snapshotState(_checkpointId: number): readonly FileSplit[] {
    const open = this.#open.map(({ split, cursor }) =>
      cursor === undefined ? split : { ...split, ...cursor.progress },
    );
    return [...open, ...this.#queue];
  }

  isAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  addSplits(splits: readonly FileSplit[]): void {
    this.#isRequested = false;
    this.#queue = [...this.#queue, ...splits].sort(bySplitOrder);
    this.#availability.set();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#availability.set();
  }

  /** Splits behind a paused one wait, too: files are read in order. */
  pauseOrResumeSplits(splitsToPause: readonly string[], splitsToResume: readonly string[]): void {
    for (const splitId of splitsToPause) this.#paused.add(splitId);
    for (const splitId of splitsToResume) this.#paused.delete(splitId);
    if (splitsToResume.length > 0) this.#availability.set();
  }

  async close(): Promise<void> {
    for (const open of this.#open.splice(0)) {
      await open.loading;
      await open.cursor?.close();
    }
  }

  #status(): InputStatus {
    const next = this.#open[0];
    if (next === undefined)
      return this.#noMoreSplits && this.#queue.length === 0 ? "end-of-input" : "nothing-available";
    return this.#isReady(next) ? "more-available" : "nothing-available";
  }

  #isReady({ split, cursor, loading }: OpenSplit<T>): boolean {
    return cursor?.isReady === true && loading === undefined && !this.#paused.has(split.splitId);
  }

  #emit(open: OpenSplit<T>, cursor: SplitCursor<T>, output: ReaderOutput<T>): void {
    output.fromSplit(open.split.splitId);
    if (!cursor.isFinished) cursor.emit(output);
    if (!cursor.isFinished) return;
    output.splitFinished(open.split.splitId);
    this.#open.shift();
    cursor.close().catch((error: unknown) => this.#availability.fail(error));
  }

  /** Starts whatever I/O there is to start. */
  #advance(): void {
    while (this.#open.length < OPEN_SPLITS_MAX && this.#queue.length > 0 && this.#mayOpenNext()) {
      const open: OpenSplit<T> = { split: this.#queue.shift()!, cursor: undefined, loading: undefined };
      this.#open.push(open);
      open.loading = this.#load(open, async () => {
        open.cursor = await this.#opener.open(open.split);
        if (!open.cursor.isReady) await open.cursor.fill();
      });
    }
    const current = this.#open[0];
    const cursor = current?.cursor;
    if (current !== undefined && cursor !== undefined && current.loading === undefined && !cursor.isReady) {
      current.loading = this.#load(current, () => cursor.fill());
    }
    const isAsking = this.#queue.length === 0 && this.#open.length < OPEN_SPLITS_MAX && this.#mayOpenNext();
    if (isAsking && !this.#isRequested && !this.#noMoreSplits) {
      this.#isRequested = true;
      this.#context.sendSplitRequest();
    }
  }

  // Not earlier: a split that waits here is one that no other subtask can read.
  #mayOpenNext(): boolean {
    const current = this.#open[0];
    return current === undefined || current.cursor?.isNearEnd === true;
  }

  async #load(open: OpenSplit<T>, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#availability.fail(error);
    } finally {
      open.loading = undefined;
      this.#availability.set();
    }
  }
}

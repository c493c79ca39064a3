import type { SplitEnumerator, SplitEnumeratorContext } from "millrace";
import { listFiles } from "./file-listing.ts";
import { bySplitOrder, type FileEnumeratorState, type FileSplit } from "./file-split.ts";
import type { FileReadFormat } from "./read-format.ts";

/** @internal */
export interface FileEnumeratorOptions {
  readonly context: SplitEnumeratorContext<FileSplit>;
  readonly format: FileReadFormat<unknown>;
  readonly paths: readonly string[];
  readonly splitBytes: number;
}

/**
 * Lists the files once, at the first start, and hands out one split per request in file and offset order. A restored
 * enumerator goes on with what it had: files that came later are not read.
 * @internal
 */
export class FileEnumerator implements SplitEnumerator<FileSplit, FileEnumeratorState> {
  readonly #options: FileEnumeratorOptions;
  #remaining: FileSplit[] | undefined;

  constructor(options: FileEnumeratorOptions, restored?: FileEnumeratorState) {
    this.#options = options;
    this.#remaining = restored === undefined ? undefined : [...restored.remaining];
  }

  async start(): Promise<void> {
    if (this.#remaining !== undefined) return;
    const { context, format, paths, splitBytes } = this.#options;
    const splits: FileSplit[] = [];
    for (const file of await listFiles(context.platform.fs, paths)) {
      for (const { start, end } of await format.planRanges(context.platform, file, { splitBytes })) {
        const ordinal = splits.length;
        splits.push({
          splitId: `${file.path}#${start}`,
          path: file.path,
          ordinal,
          start,
          end,
          position: -1,
          recordIndex: 0,
        });
      }
    }
    this.#remaining = splits;
  }

  // Readers ask for every split, also for the first one.
  addReader(_subtaskIndex: number): void {}

  handleSplitRequest(subtaskIndex: number): void {
    const split = this.#remaining?.shift();
    if (split === undefined) this.#options.context.signalNoMoreSplits(subtaskIndex);
    else this.#options.context.assignSplit(split, subtaskIndex);
  }

  addSplitsBack(splits: readonly FileSplit[], _subtaskIndex: number): void {
    this.#remaining = [...splits, ...(this.#remaining ?? [])].sort(bySplitOrder);
  }

  snapshotState(_checkpointId: number): FileEnumeratorState {
    return { remaining: [...(this.#remaining ?? [])] };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

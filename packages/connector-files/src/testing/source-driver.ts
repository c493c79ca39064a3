/**
 * A tiny host for sources in tests: one reader, splits handed out on request, restores from serialized snapshots.
 * Imported by tests only.
 */

import type { PoisonRecord, ReaderOutput, Source } from "millrace";
import { BinaryReader, BinaryWriter, type Platform, type Serializer } from "millrace";
import type { FileEnumeratorState, FileSplit } from "../file-split.ts";

/** @internal */
export interface SourceRun<T> {
  readonly values: T[];
  /** Length of each batch that held a record, as `splitId:count`. */
  readonly batches: string[];
  readonly poison: PoisonRecord[];
  readonly finishedSplits: string[];
}

/** @internal */
export interface DriveOptions {
  readonly platform: Platform;
  readonly remaining?: number;
  /** Snapshots after this many polls that emitted something, and goes on with new readers and a new enumerator. */
  readonly restoreAfter?: number;
  /** Readers, polled in turn. */
  readonly parallelism?: number;
  readonly parallelismAfter?: number;
}

class Output<T> implements ReaderOutput<T> {
  remaining = 0;
  splitId = "";
  count = 0;
  readonly run: SourceRun<T>;

  constructor(run: SourceRun<T>) {
    this.run = run;
  }

  collect(value: T): void {
    this.remaining--;
    this.count++;
    this.run.values.push(value);
  }

  fromSplit(splitId: string): void {
    this.splitId = splitId;
  }

  splitStarted(_splitId: string): void {}

  splitFinished(splitId: string): void {
    this.run.finishedSplits.push(splitId);
  }

  poison(record: PoisonRecord): void {
    this.run.poison.push(record);
  }
}

/** @internal */
export async function driveSource<T>(
  source: Source<T, FileSplit, FileEnumeratorState>,
  options: DriveOptions,
): Promise<SourceRun<T>> {
  const run: SourceRun<T> = { values: [], batches: [], poison: [], finishedSplits: [] };
  const first = new Incarnation(source, options.platform, options.parallelism ?? 1, run, options.remaining ?? 1000);
  await first.start(undefined, []);
  if (!(await first.run(options.restoreAfter ?? Number.POSITIVE_INFINITY))) return run;
  const { state, splits } = first.snapshot();
  await first.close();
  const parallelism = options.parallelismAfter ?? options.parallelism ?? 1;
  const second = new Incarnation(source, options.platform, parallelism, run, options.remaining ?? 1000);
  await second.start(state, splits);
  await second.run(Number.POSITIVE_INFINITY);
  return run;
}

class Incarnation<T> {
  readonly #source: Source<T, FileSplit, FileEnumeratorState>;
  readonly #output: Output<T>;
  readonly #remaining: number;
  readonly #enumeratorContext;
  readonly #readers;
  #enumerator: ReturnType<Source<T, FileSplit, FileEnumeratorState>["createEnumerator"]> | undefined;

  constructor(
    source: Source<T, FileSplit, FileEnumeratorState>,
    platform: Platform,
    parallelism: number,
    run: SourceRun<T>,
    remaining: number,
  ) {
    this.#source = source;
    this.#output = new Output(run);
    this.#remaining = remaining;
    this.#enumeratorContext = {
      platform,
      currentParallelism: parallelism,
      assignSplit: (split: FileSplit, subtask: number) =>
        this.#readers[subtask]!.addSplits([through(source.splitSerializer, split)]),
      signalNoMoreSplits: (subtask: number) => this.#readers[subtask]!.notifyNoMoreSplits(),
    };
    this.#readers = Array.from({ length: parallelism }, (_, subtaskIndex) =>
      source.createReader({
        platform,
        subtaskIndex,
        parallelism,
        sendSplitRequest: () => this.#enumerator?.handleSplitRequest(subtaskIndex),
        sendSourceEventToCoordinator: () => {},
      }),
    );
  }

  async start(state: FileEnumeratorState | undefined, splits: readonly FileSplit[]): Promise<void> {
    this.#enumerator =
      state === undefined
        ? this.#source.createEnumerator(this.#enumeratorContext)
        : this.#source.restoreEnumerator(this.#enumeratorContext, state);
    await this.#enumerator.start();
    for (const [index, reader] of this.#readers.entries()) {
      reader.start();
      const mine = splits.filter((_, place) => place % this.#readers.length === index);
      if (mine.length > 0) reader.addSplits(mine);
      this.#enumerator.addReader(index);
    }
  }

  /** True when it stopped before the end of the input. */
  async run(pollsMax: number): Promise<boolean> {
    const active = new Set(this.#readers);
    for (let polls = 0; active.size > 0; ) {
      for (const reader of [...active]) {
        if (polls >= pollsMax) return true;
        this.#output.remaining = this.#remaining;
        this.#output.count = 0;
        const status = reader.pollNext(this.#output);
        if (this.#output.count > 0) {
          polls++;
          this.#output.run.batches.push(`${this.#output.splitId}:${this.#output.count}`);
        }
        if (status === "end-of-input") active.delete(reader);
        if (status === "nothing-available") await reader.isAvailable();
      }
    }
    await this.close();
    return false;
  }

  snapshot(): { state: FileEnumeratorState; splits: FileSplit[] } {
    const state = through(this.#source.enumeratorStateSerializer, this.#enumerator!.snapshotState(1));
    const splits = this.#readers.flatMap((reader) => [...reader.snapshotState(1)]);
    return { state, splits: splits.map((split) => through(this.#source.splitSerializer, split)) };
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) await reader.close();
    await this.#enumerator?.close();
  }
}

/** What is left of a value after it has been written and read. @internal */
export function through<V>(serializer: Serializer<V>, value: V): V {
  const out = new BinaryWriter();
  serializer.write(value, out);
  const input = new BinaryReader(out.finish());
  return serializer.read(input);
}

/**
 * A source whose splits are scripts: what comes when, on the platform's clock. All splits of a reader are read at the same
 * time, and can be paused one by one.
 */
import { Availability } from "../connectors/availability.ts";
import type {
  InputStatus,
  ReaderOutput,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
} from "../connectors/source.ts";
import { t } from "../types/declared-types.ts";

/** One record of a split: it is there `atMs` after the reader started. */
export interface ScriptedRecord<T> {
  readonly atMs: number;
  readonly value: T;
}

interface ScriptedSplit extends SourceSplit {
  readonly next: number;
}

const splitType = t.object({ splitId: t.string, next: t.int32 });

export interface ScriptedOptions {
  /** Records of one call; 1 makes every record a batch of its own. */
  readonly batchRecords?: number;
  /** False: readers cannot pause single splits. */
  readonly canPause?: boolean;
}

/** @param scripts - By split; split n goes to reader n modulo the parallelism. */
export function scriptedSource<T>(
  scripts: readonly (readonly ScriptedRecord<T>[])[],
  options: ScriptedOptions = {},
): Source<T, ScriptedSplit, undefined> {
  return {
    description: { kind: "scripted", options: {} },
    boundedness: "bounded",
    createReader: (context) => {
      const reader = new ScriptedReader<T>(scripts, context, options.batchRecords ?? 1);
      return options.canPause === false ? withoutPause(reader) : reader;
    },
    createEnumerator: (context) => ({
      start: async () => {},
      addReader: (subtaskIndex) => {
        scripts.forEach((_script, index) => {
          if (index % context.currentParallelism === subtaskIndex)
            context.assignSplit({ splitId: String(index), next: 0 }, subtaskIndex);
        });
        context.signalNoMoreSplits(subtaskIndex);
      },
      handleSplitRequest: () => {},
      addSplitsBack: () => {},
      snapshotState: () => undefined,
      close: async () => {},
    }),
    restoreEnumerator: (context, _state) => scriptedSource(scripts, options).createEnumerator(context),
    splitSerializer: splitType.serializer,
    enumeratorStateSerializer: { schema: { kind: "any" }, write: () => {}, read: () => undefined },
  };
}

class ScriptedReader<T> implements SourceReader<T, ScriptedSplit> {
  readonly #scripts: readonly (readonly ScriptedRecord<T>[])[];
  readonly #context: SourceReaderContext;
  readonly #batchRecords: number;
  readonly #next = new Map<string, number>();
  readonly #paused = new Set<string>();
  readonly #availability: Availability = new Availability();
  #started: string[] = [];
  #startMs = 0;
  #isComplete = false;
  #cancel: (() => void) | undefined;

  constructor(scripts: readonly (readonly ScriptedRecord<T>[])[], context: SourceReaderContext, batchRecords: number) {
    this.#scripts = scripts;
    this.#context = context;
    this.#batchRecords = batchRecords;
  }

  start(): void {
    this.#startMs = this.#context.platform.clock.monoMs();
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    for (const splitId of this.#started.splice(0)) output.splitStarted(splitId);
    const due = [...this.#next.keys()]
      .filter((splitId) => !this.#paused.has(splitId))
      .map((splitId) => ({ splitId, record: this.#scripts[Number(splitId)]![this.#next.get(splitId)!] }))
      .sort((a, b) => (a.record?.atMs ?? 0) - (b.record?.atMs ?? 0))[0];
    if (due === undefined) {
      if (this.#isComplete && this.#next.size === 0) return "end-of-input";
      this.#availability.clear();
      return "nothing-available";
    }
    return this.#read(due.splitId, output);
  }

  snapshotState(): readonly ScriptedSplit[] {
    return [...this.#next].map(([splitId, next]) => ({ splitId, next }));
  }

  isAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  addSplits(splits: readonly ScriptedSplit[]): void {
    for (const { splitId, next } of splits) {
      this.#next.set(splitId, next);
      this.#started.push(splitId);
    }
    this.#availability.set();
  }

  notifyNoMoreSplits(): void {
    this.#isComplete = true;
    this.#availability.set();
  }

  pauseOrResumeSplits(splitsToPause: readonly string[], splitsToResume: readonly string[]): void {
    for (const splitId of splitsToPause) this.#paused.add(splitId);
    for (const splitId of splitsToResume) this.#paused.delete(splitId);
    if (splitsToResume.length > 0) this.#availability.set();
  }

  async close(): Promise<void> {
    this.#cancel?.();
  }

  #read(splitId: string, output: ReaderOutput<T>): InputStatus {
    const script = this.#scripts[Number(splitId)]!;
    output.fromSplit(splitId);
    for (let count = 0; count < this.#batchRecords; count++) {
      const at = this.#next.get(splitId)!;
      const record = script[at];
      if (record === undefined) {
        output.splitFinished(splitId);
        this.#next.delete(splitId);
        return "more-available";
      }
      const waitMs = this.#startMs + record.atMs - this.#context.platform.clock.monoMs();
      if (waitMs > 0) return count > 0 ? "more-available" : this.#wait(waitMs);
      output.collect(record.value);
      this.#next.set(splitId, at + 1);
    }
    return "more-available";
  }

  #wait(delayMs: number): InputStatus {
    this.#availability.clear();
    this.#cancel?.();
    this.#cancel = this.#context.platform.clock.after(delayMs, () => this.#availability.set());
    return "nothing-available";
  }
}

/** The same reader for hosts that look for the method. */
function withoutPause<T>(reader: ScriptedReader<T>): SourceReader<T, ScriptedSplit> {
  return {
    start: () => reader.start(),
    pollNext: (output) => reader.pollNext(output),
    snapshotState: () => reader.snapshotState(),
    isAvailable: () => reader.isAvailable(),
    addSplits: (splits) => reader.addSplits(splits),
    notifyNoMoreSplits: () => reader.notifyNoMoreSplits(),
    close: () => reader.close(),
  };
}

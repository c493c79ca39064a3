/**
 * A source whose records have due times at a fixed rate, whatever the job behind it does: a record that could not be
 * emitted in time keeps its due time, so waiting in front of a stalled job counts as latency too (an open loop).
 *
 * Subtask `s` of `p` emits the indices `s, s + p, s + 2p, …`, the first of them when it is polled first.
 */
import {
  type Cancel,
  type Clock,
  type InputStatus,
  type ReaderOutput,
  type Serializer,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
  type SplitEnumerator,
  type SplitEnumeratorContext,
  t,
} from "millrace";
import { monotonicMs } from "../monotonic-clock.ts";

/** @internal */
export interface PacedOptions<T> {
  /** The record of an index, which is due at `dueMs` of {@link monotonicMs}; undefined leaves it out. */
  readonly generate: (index: number, dueMs: number) => T | undefined;
  readonly count: number;
  /** Indices a second over all subtasks. */
  readonly ratePerSecond: number;
  /** The clock of due times, {@link monotonicMs} unless a test has its own. */
  readonly nowMs?: () => number;
}

/** @internal */
export interface PacedSplit extends SourceSplit {
  readonly splitId: string;
  /** The first index that has not been emitted. */
  readonly next: number;
  readonly step: number;
}

const PacedSplitType = t.object({ splitId: t.string, next: t.int64, step: t.int64 });
const PacedSplitsType = t.array(PacedSplitType);

/** @internal */
export class PacedSource<T> implements Source<T, PacedSplit, readonly PacedSplit[]> {
  readonly description: Source<unknown>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<PacedSplit> = PacedSplitType.serializer;
  readonly enumeratorStateSerializer: Serializer<readonly PacedSplit[]> = PacedSplitsType.serializer;
  readonly #options: PacedOptions<T>;

  constructor(options: PacedOptions<T>) {
    this.#options = options;
    this.description = {
      kind: "bench-paced",
      options: { count: options.count, ratePerSecond: options.ratePerSecond },
    };
  }

  createReader({ platform }: SourceReaderContext): SourceReader<T, PacedSplit> {
    return new PacedReader(this.#options, platform.clock);
  }

  createEnumerator(context: SplitEnumeratorContext<PacedSplit>): SplitEnumerator<PacedSplit, readonly PacedSplit[]> {
    const step = context.currentParallelism;
    const splits = Array.from({ length: step }, (_, next) => ({ splitId: `paced-${next}`, next, step }));
    return new PacedEnumerator(context, splits);
  }

  restoreEnumerator(
    context: SplitEnumeratorContext<PacedSplit>,
    unassigned: readonly PacedSplit[],
  ): SplitEnumerator<PacedSplit, readonly PacedSplit[]> {
    return new PacedEnumerator(context, unassigned);
  }
}

/** Gives a reader its splits when it registers: those whose indices start at its number. */
class PacedEnumerator implements SplitEnumerator<PacedSplit, readonly PacedSplit[]> {
  readonly #context: SplitEnumeratorContext<PacedSplit>;
  #unassigned: readonly PacedSplit[];

  constructor(context: SplitEnumeratorContext<PacedSplit>, splits: readonly PacedSplit[]) {
    this.#context = context;
    this.#unassigned = splits;
  }

  async start(): Promise<void> {}

  addReader(subtaskIndex: number): void {
    const isMine = (split: PacedSplit): boolean =>
      (split.next % split.step) % this.#context.currentParallelism === subtaskIndex;
    for (const split of this.#unassigned.filter(isMine)) this.#context.assignSplit(split, subtaskIndex);
    this.#unassigned = this.#unassigned.filter((split) => !isMine(split));
    this.#context.signalNoMoreSplits(subtaskIndex);
  }

  handleSplitRequest(subtaskIndex: number): void {
    this.addReader(subtaskIndex);
  }

  addSplitsBack(splits: readonly PacedSplit[]): void {
    this.#unassigned = [...splits, ...this.#unassigned];
  }

  snapshotState(): readonly PacedSplit[] {
    return this.#unassigned;
  }

  async close(): Promise<void> {}
}

interface Reading {
  readonly split: PacedSplit;
  next: number;
  /** Due time of index 0 of the whole sequence. */
  readonly startMs: number;
}

class PacedReader<T> implements SourceReader<T, PacedSplit> {
  readonly #generate: PacedOptions<T>["generate"];
  readonly #count: number;
  readonly #msPerIndex: number;
  readonly #nowMs: () => number;
  readonly #clock: Clock;
  readonly #waiting: PacedSplit[] = [];
  #reading: Reading | undefined;
  #noMoreSplits = false;
  #wake: (() => void) | undefined;
  #cancel: Cancel | undefined;

  constructor(options: PacedOptions<T>, clock: Clock) {
    this.#generate = options.generate;
    this.#count = options.count;
    this.#msPerIndex = 1000 / options.ratePerSecond;
    this.#nowMs = options.nowMs ?? monotonicMs;
    this.#clock = clock;
  }

  start(): void {}

  pollNext(output: ReaderOutput<T>): InputStatus {
    const nowMs = this.#nowMs();
    this.#reading ??= this.#nextReading(nowMs);
    const reading = this.#reading;
    if (reading === undefined) return this.#noMoreSplits ? "end-of-input" : "nothing-available";
    this.#emitDue(reading, nowMs, output);
    if (reading.next < this.#count) return output.remaining > 0 ? "nothing-available" : "more-available";
    this.#reading = undefined;
    return "more-available";
  }

  isAvailable(): Promise<void> {
    const reading = this.#reading;
    const delayMs = reading === undefined ? 0 : reading.startMs + reading.next * this.#msPerIndex - this.#nowMs();
    const isReady = reading === undefined ? this.#waiting.length > 0 || this.#noMoreSplits : delayMs <= 0;
    if (isReady) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#cancel?.();
      if (reading !== undefined) this.#cancel = this.#clock.after(Math.max(1, delayMs), resolve);
    });
  }

  snapshotState(): readonly PacedSplit[] {
    const reading = this.#reading;
    return reading === undefined ? [...this.#waiting] : [{ ...reading.split, next: reading.next }, ...this.#waiting];
  }

  addSplits(splits: readonly PacedSplit[]): void {
    this.#waiting.push(...splits);
    this.#wake?.();
  }

  notifyNoMoreSplits(): void {
    this.#noMoreSplits = true;
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#cancel?.();
  }

  #nextReading(nowMs: number): Reading | undefined {
    const split = this.#waiting.shift();
    return split && { split, next: split.next, startMs: nowMs - split.next * this.#msPerIndex };
  }

  #emitDue(reading: Reading, nowMs: number, output: ReaderOutput<T>): void {
    const { startMs, split } = reading;
    let { next } = reading;
    for (; next < this.#count && output.remaining > 0; next += split.step) {
      const dueMs = startMs + next * this.#msPerIndex;
      if (dueMs > nowMs) break;
      const value = this.#generate(next, dueMs);
      if (value !== undefined) output.collect(value);
    }
    reading.next = next;
  }
}

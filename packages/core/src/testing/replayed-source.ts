/**
 * The source of a checked job: hands out records in the order, the splits and the batches of one case, and can be held at a
 * position, so that a checkpoint falls there. What it has read is state, as of any source.
 */
import { Availability } from "../connectors/availability.ts";
import type {
  InputStatus,
  ReaderOutput,
  Source,
  SourceReader,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "../connectors/source.ts";
import { t } from "../types/declared-types.ts";
import type { Serializer } from "../types/type.ts";

const splitType = t.object({ splitId: t.string, index: t.int32, next: t.int32 });
const stateType = t.object({ unassigned: t.array(splitType) });

interface ReplayedSplit extends SourceSplit {
  readonly splitId: string;
  readonly index: number;
  next: number;
}

interface ReplayedState {
  readonly unassigned: readonly ReplayedSplit[];
}

/** How one run of a job gets one source's records. @internal */
export interface Arrival {
  /** By split, in the order of their arrival. */
  readonly splits: readonly (readonly unknown[])[];
  /** Sizes of the batches, over and over; empty: as many records as there is room for. */
  readonly batches: readonly number[];
}

/** Holds all sources of a run at a part of their records. @internal */
export class Gate {
  readonly #sources: ReplayedSource[] = [];
  /** Of the records of every split, from 0 to 1. */
  share = 0;
  /** The sources may end. */
  isOpen = false;

  add(source: ReplayedSource): void {
    this.#sources.push(source);
  }

  open(share: number): void {
    this.share = Math.min(1, share);
    for (const source of this.#sources) source.wake();
  }

  openAll(): void {
    this.isOpen = true;
    this.open(1);
  }

  /** Whether every source has handed out what it may. */
  get isReached(): boolean {
    return this.#sources.every((source) => source.isHeld);
  }
}

/** @internal */
export class ReplayedSource implements Source<unknown, ReplayedSplit, ReplayedState> {
  readonly description: Source<unknown>["description"] = { kind: "replayed", options: {} };
  readonly boundedness: "bounded" = "bounded";
  // The declared types are mutable, splits are not; nobody writes to what is read.
  readonly splitSerializer: Serializer<ReplayedSplit> = splitType.serializer as unknown as Serializer<ReplayedSplit>;
  readonly enumeratorStateSerializer: Serializer<ReplayedState> =
    stateType.serializer as unknown as Serializer<ReplayedState>;
  readonly #arrival: Arrival;
  readonly #gate: Gate;
  readonly #readers: ReplayedReader[] = [];
  /** How far each split has been read in this run. */
  readonly #positions: number[];

  constructor(arrival: Arrival, gate: Gate) {
    this.#arrival = arrival;
    this.#gate = gate;
    this.#positions = arrival.splits.map(() => -1);
    gate.add(this);
  }

  get isHeld(): boolean {
    return this.#positions.every((next, split) => next >= this.#limitOf(split));
  }

  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  createReader(): SourceReader<unknown, ReplayedSplit> {
    const reader = new ReplayedReader({
      arrival: this.#arrival,
      limitOf: (split) => this.#limitOf(split),
      mayEnd: () => this.#gate.isOpen,
      onPosition: (split, next) => {
        this.#positions[split] = next;
      },
    });
    this.#readers.push(reader);
    return reader;
  }

  createEnumerator(context: SplitEnumeratorContext<ReplayedSplit>): SplitEnumerator<ReplayedSplit, ReplayedState> {
    const unassigned = this.#arrival.splits.map((_, index) => ({ splitId: `split-${index}`, index, next: 0 }));
    return new ReplayedEnumerator(context, unassigned);
  }

  restoreEnumerator(
    context: SplitEnumeratorContext<ReplayedSplit>,
    state: ReplayedState,
  ): SplitEnumerator<ReplayedSplit, ReplayedState> {
    return new ReplayedEnumerator(context, state.unassigned);
  }

  #limitOf(split: number): number {
    return Math.floor(this.#arrival.splits[split]!.length * this.#gate.share);
  }
}

interface ReaderParts {
  readonly arrival: Arrival;
  readonly limitOf: (split: number) => number;
  readonly mayEnd: () => boolean;
  readonly onPosition: (split: number, next: number) => void;
}

class ReplayedReader implements SourceReader<unknown, ReplayedSplit> {
  readonly #parts: ReaderParts;
  readonly #available = new Availability();
  readonly #splits: ReplayedSplit[] = [];
  #started: string[] = [];
  #batch = 0;
  #turn = 0;
  #hasAllSplits = false;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  start(): void {}

  wake(): void {
    this.#available.set();
  }

  addSplits(splits: readonly ReplayedSplit[]): void {
    for (const { splitId, index, next } of splits) {
      this.#splits.push({ splitId, index, next });
      this.#started.push(splitId);
      this.#parts.onPosition(index, next);
    }
    this.wake();
  }

  notifyNoMoreSplits(): void {
    this.#hasAllSplits = true;
    this.wake();
  }

  pollNext(output: ReaderOutput<unknown>): InputStatus {
    // All splits are read at the same time, so none of them may be overtaken by the watermark of another.
    for (const splitId of this.#started.splice(0)) output.splitStarted(splitId);
    const { arrival, limitOf, mayEnd, onPosition } = this.#parts;
    const open = this.#splits.filter((split) => split.next < limitOf(split.index));
    const split = open[this.#turn++ % Math.max(1, open.length)];
    if (split !== undefined) {
      const values = arrival.splits[split.index]!;
      const { batches } = arrival;
      const size = batches.length === 0 ? values.length : batches[this.#batch++ % batches.length]!;
      const end = Math.min(limitOf(split.index), split.next + Math.min(size, output.remaining));
      output.fromSplit(split.splitId);
      for (; split.next < end; split.next++) output.collect(values[split.next]);
      onPosition(split.index, split.next);
      if (split.next === values.length && mayEnd()) output.splitFinished(split.splitId);
      return "more-available";
    }
    if (!mayEnd() || !this.#hasAllSplits) {
      this.#available.clear();
      return "nothing-available";
    }
    for (const { splitId } of this.#splits) output.splitFinished(splitId);
    return "end-of-input";
  }

  snapshotState(): readonly ReplayedSplit[] {
    return this.#splits.map((split) => ({ ...split }));
  }

  isAvailable(): Promise<void> {
    return this.#available.whenAvailable();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class ReplayedEnumerator implements SplitEnumerator<ReplayedSplit, ReplayedState> {
  readonly #context: SplitEnumeratorContext<ReplayedSplit>;
  #unassigned: ReplayedSplit[];

  constructor(context: SplitEnumeratorContext<ReplayedSplit>, unassigned: readonly ReplayedSplit[]) {
    this.#context = context;
    this.#unassigned = [...unassigned];
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  addReader(subtaskIndex: number): void {
    const { currentParallelism } = this.#context;
    const own = this.#unassigned.filter(({ index }) => index % currentParallelism === subtaskIndex);
    this.#unassigned = this.#unassigned.filter((split) => !own.includes(split));
    for (const split of own) this.#context.assignSplit(split, subtaskIndex);
    this.#context.signalNoMoreSplits(subtaskIndex);
  }

  handleSplitRequest(): void {}

  addSplitsBack(splits: readonly ReplayedSplit[], subtaskIndex: number): void {
    for (const split of splits) this.#context.assignSplit(split, subtaskIndex);
  }

  snapshotState(): ReplayedState {
    return { unassigned: this.#unassigned };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Records that know their own place: split and number within the split. Splits follow each other in event time and are given
 * out one by one, lowest first, so that no record is ever late, whatever is restored where.
 */
import type {
  InputStatus,
  ReaderOutput,
  Serializer,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "millrace";
import { t } from "millrace";
import { Availability } from "millrace/internal";
import type { SimulationPlan } from "./plan.ts";

/** Event time from one record of a split to the next. */
const STEP_MS = 10;

export interface Numbered {
  readonly split: number;
  /** From 0, without gaps. */
  readonly number: number;
  readonly key: number;
  readonly at: number;
  readonly amount: number;
  /** Nothing but bytes. */
  readonly filling: string;
}

export type Records = Pick<
  SimulationPlan,
  "splits" | "recordsPerSplit" | "keys" | "recordBytes" | "batchRecords" | "pauseMs"
>;

export function recordOf(records: Records, split: number, number: number): Numbered {
  const { recordsPerSplit, keys, recordBytes = 0 } = records;
  const spread = (Math.imul(split * 7919 + number, 0x9e3779b1) >>> 0) % 1000;
  const at = (split * recordsPerSplit + number) * STEP_MS;
  return { split, number, key: spread % keys, at, amount: spread, filling: "x".repeat(recordBytes) };
}

/** All of them, split by split. */
export function allRecords(records: Records): readonly Numbered[] {
  return Array.from({ length: records.splits * records.recordsPerSplit }, (_, index) =>
    recordOf(records, Math.floor(index / records.recordsPerSplit), index % records.recordsPerSplit),
  );
}

export interface NumberedSplit extends SourceSplit {
  readonly index: number;
  next: number;
}

export interface NumberedState {
  readonly unassigned: readonly NumberedSplit[];
}

const splitType = t.object({ splitId: t.string, index: t.int32, next: t.int32 });
const stateType = t.object({ unassigned: t.array(splitType) });
// The declared types are mutable, splits are not; nobody writes to what is read.
export const splitSerializer = splitType.serializer as unknown as Serializer<NumberedSplit>;
export const stateSerializer = stateType.serializer as unknown as Serializer<NumberedState>;

export class NumberedSource implements Source<Numbered, NumberedSplit, NumberedState> {
  readonly description: Source<Numbered>["description"] = { kind: "numbered", options: {} };
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer = splitSerializer;
  readonly enumeratorStateSerializer = stateSerializer;
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  createReader(context: SourceReaderContext): SourceReader<Numbered, NumberedSplit> {
    return new NumberedReader(this.#records, context);
  }

  createEnumerator(context: SplitEnumeratorContext<NumberedSplit>): SplitEnumerator<NumberedSplit, NumberedState> {
    const unassigned = Array.from({ length: this.#records.splits }, (_, index) => ({
      splitId: `split-${index}`,
      index,
      next: 0,
    }));
    return new NumberedEnumerator(context, unassigned);
  }

  restoreEnumerator(
    context: SplitEnumeratorContext<NumberedSplit>,
    state: NumberedState,
  ): SplitEnumerator<NumberedSplit, NumberedState> {
    return new NumberedEnumerator(context, state.unassigned);
  }
}

class NumberedReader implements SourceReader<Numbered, NumberedSplit> {
  readonly #records: Records;
  readonly #context: SourceReaderContext;
  readonly #available = new Availability();
  #splits: NumberedSplit[] = [];
  #isPausing = false;
  #isAsking = false;
  #hasAllSplits = false;

  constructor(records: Records, context: SourceReaderContext) {
    this.#records = records;
    this.#context = context;
  }

  start(): void {}

  addSplits(splits: readonly NumberedSplit[]): void {
    this.#isAsking = false;
    this.#splits.push(...splits.map((split) => ({ ...split })));
    this.#splits.sort((left, right) => left.index - right.index);
    this.#wake();
  }

  notifyNoMoreSplits(): void {
    this.#hasAllSplits = true;
    this.#wake();
  }

  pollNext(output: ReaderOutput<Numbered>): InputStatus {
    const split = this.#splits[0];
    if (this.#isPausing || split === undefined) return this.#withoutRecords();
    const { recordsPerSplit, batchRecords, pauseMs } = this.#records;
    const end = Math.min(recordsPerSplit, split.next + Math.min(batchRecords, output.remaining));
    output.fromSplit(split.splitId);
    for (; split.next < end; split.next++) output.collect(recordOf(this.#records, split.index, split.next));
    if (split.next === recordsPerSplit) {
      output.splitFinished(split.splitId);
      this.#splits.shift();
    }
    this.#isPausing = true;
    this.#available.clear();
    this.#context.platform.clock.after(pauseMs, () => {
      this.#isPausing = false;
      this.#wake();
    });
    return "nothing-available";
  }

  snapshotState(): readonly NumberedSplit[] {
    return this.#splits.map((split) => ({ ...split }));
  }

  isAvailable(): Promise<void> {
    return this.#available.whenAvailable();
  }

  async close(): Promise<void> {}

  #withoutRecords(): InputStatus {
    this.#available.clear();
    if (this.#isPausing) return "nothing-available";
    if (this.#hasAllSplits) return "end-of-input";
    if (!this.#isAsking) this.#context.sendSplitRequest();
    this.#isAsking = true;
    return "nothing-available";
  }

  #wake(): void {
    this.#available.set();
  }
}

class NumberedEnumerator implements SplitEnumerator<NumberedSplit, NumberedState> {
  readonly #context: SplitEnumeratorContext<NumberedSplit>;
  #unassigned: readonly NumberedSplit[];

  constructor(context: SplitEnumeratorContext<NumberedSplit>, unassigned: readonly NumberedSplit[]) {
    this.#context = context;
    this.#unassigned = unassigned;
  }

  async start(): Promise<void> {}

  addReader(): void {}

  handleSplitRequest(subtaskIndex: number): void {
    const [next, ...rest] = this.#unassigned;
    this.#unassigned = rest;
    if (next === undefined) this.#context.signalNoMoreSplits(subtaskIndex);
    else this.#context.assignSplit(next, subtaskIndex);
  }

  addSplitsBack(splits: readonly NumberedSplit[]): void {
    this.#unassigned = [...splits, ...this.#unassigned].sort((left, right) => left.index - right.index);
  }

  snapshotState(): NumberedState {
    return { unassigned: this.#unassigned };
  }

  async close(): Promise<void> {}
}

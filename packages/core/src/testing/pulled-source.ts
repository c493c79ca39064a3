/** A source of numbers in many splits, which its readers ask for one by one: what splits do when readers come and go. */
import { Availability } from "../connectors/availability.ts";
import type {
  InputStatus,
  ReaderOutput,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "../connectors/source.ts";
import { t } from "../types/declared-types.ts";
import type { Serializer } from "../types/type.ts";

export interface PulledOptions {
  readonly splits: number;
  readonly numbersPerSplit: number;
  /** After every number. */
  readonly pauseMs: number;
}

export interface PulledSplit extends SourceSplit {
  readonly first: number;
  readonly end: number;
}

const splitType = t.object({ splitId: t.string, first: t.int32, end: t.int32 });

/** Of the numbers from 0 on. */
export function pulledSource(options: PulledOptions): Source<number, PulledSplit, readonly PulledSplit[]> {
  const { splits, numbersPerSplit } = options;
  const all = Array.from({ length: splits }, (_, index) => ({
    splitId: `split-${index}`,
    first: index * numbersPerSplit,
    end: (index + 1) * numbersPerSplit,
  }));
  return {
    description: { kind: "pulled", options: {} },
    boundedness: "bounded",
    createReader: (context) => new PulledReader(context, options.pauseMs),
    createEnumerator: (context) => enumeratorOf(context, all),
    restoreEnumerator: (context, state) => enumeratorOf(context, state),
    splitSerializer: splitType.serializer,
    enumeratorStateSerializer: t.array(splitType).serializer as unknown as Serializer<readonly PulledSplit[]>,
  };
}

function enumeratorOf(
  context: SplitEnumeratorContext<PulledSplit>,
  given: readonly PulledSplit[],
): SplitEnumerator<PulledSplit, readonly PulledSplit[]> {
  let waiting = given;
  return {
    start: async () => {},
    addReader: () => {},
    handleSplitRequest: (subtaskIndex) => {
      const [next, ...rest] = waiting;
      waiting = rest;
      if (next === undefined) context.signalNoMoreSplits(subtaskIndex);
      else context.assignSplit(next, subtaskIndex);
    },
    addSplitsBack: (splits) => {
      waiting = [...splits, ...waiting];
    },
    snapshotState: () => waiting,
    close: async () => {},
  };
}

class PulledReader implements SourceReader<number, PulledSplit> {
  readonly #context: SourceReaderContext;
  readonly #pauseMs: number;
  readonly #availability: Availability = new Availability();
  #splits: readonly PulledSplit[] = [];
  #isPausing = false;
  #isAsking = false;
  #hasAll = false;

  constructor(context: SourceReaderContext, pauseMs: number) {
    this.#context = context;
    this.#pauseMs = pauseMs;
  }

  start(): void {}

  addSplits(splits: readonly PulledSplit[]): void {
    this.#isAsking = false;
    this.#splits = [...this.#splits, ...splits];
    this.#availability.set();
  }

  notifyNoMoreSplits(): void {
    this.#hasAll = true;
    this.#availability.set();
  }

  pollNext(output: ReaderOutput<number>): InputStatus {
    this.#availability.clear();
    if (this.#isPausing) return "nothing-available";
    const [split, ...rest] = this.#splits;
    if (split === undefined) {
      if (this.#hasAll) return "end-of-input";
      if (!this.#isAsking) this.#context.sendSplitRequest();
      this.#isAsking = true;
      return "nothing-available";
    }
    output.collect(split.first);
    this.#splits = split.first + 1 < split.end ? [{ ...split, first: split.first + 1 }, ...rest] : rest;
    this.#isPausing = true;
    this.#context.platform.clock.after(this.#pauseMs, () => {
      this.#isPausing = false;
      this.#availability.set();
    });
    return "nothing-available";
  }

  snapshotState(): readonly PulledSplit[] {
    return this.#splits;
  }

  isAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  async close(): Promise<void> {}
}

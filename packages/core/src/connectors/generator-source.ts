import { MillraceError } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import { RateLimitedReader } from "./rate-limited-reader.ts";
import type { ReaderOutput, Source, SourceReader, SourceReaderContext, SplitEnumeratorContext } from "./source.ts";
import {
  StridedEnumerator,
  type StridedEnumeratorState,
  stridedEnumeratorStateSerializer,
} from "./strided-enumerator.ts";
import { StridedReader, type StrideEmitter } from "./strided-reader.ts";
import { type StridedSplit, stridedSplitSerializer, stridedSplits } from "./strided-split.ts";

/** Makes the element of an index; the same index must always give an equal element. `undefined` leaves it out. @public */
export type GeneratorFunction<T> = (index: number) => T | undefined;

/** How fast a generator makes records, and of what type they are. @public */
export interface DataGeneratorOptions {
  /** Indices a second over all subtasks; unlimited by default. */
  readonly ratePerSecond?: number;
}

/**
 * Elements made by a function of their index, 0 to `count - 1`. Subtask `s` of `p` emits `s, s + p, s + 2p, …`, so
 * event time advances on all subtasks together; after a restore at another parallelism those strides are kept.
 * Where the source ends, for a `HybridSource`, is `count`.
 *
 * @example
 * const ticks = DataGeneratorSource.of((index) => ({ at: index * 1000, price: index % 7 }), 1_000_000);
 * @public
 */
export class DataGeneratorSource<T> implements Source<T, StridedSplit, StridedEnumeratorState> {
  readonly description: Source<unknown>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<StridedSplit> = stridedSplitSerializer;
  readonly enumeratorStateSerializer: Serializer<StridedEnumeratorState> = stridedEnumeratorStateSerializer;
  readonly #generate: GeneratorFunction<T>;
  readonly #count: number;
  readonly #ratePerSecond: number | undefined;

  private constructor(generate: GeneratorFunction<T>, count: number, ratePerSecond: number | undefined) {
    this.#generate = generate;
    this.#count = count;
    this.#ratePerSecond = ratePerSecond;
    const rate = ratePerSecond === undefined ? {} : { ratePerSecond };
    this.description = { kind: "data-generator", options: { count, ...rate } };
  }

  /**
   * @param count - How many indices there are, a safe integer of at least 0.
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` for another count, or a rate that is not a positive number.
   */
  static of<T>(
    generate: GeneratorFunction<T>,
    count: number,
    options: DataGeneratorOptions = {},
  ): DataGeneratorSource<T> {
    if (!Number.isSafeInteger(count) || count < 0) throw invalid("count", count, "a safe integer of at least 0");
    const rate = options.ratePerSecond;
    if (rate !== undefined && !(rate > 0 && rate < Infinity)) throw invalid("ratePerSecond", rate, "a positive number");
    return new DataGeneratorSource(generate, count, rate);
  }

  createReader(context: SourceReaderContext): SourceReader<T, StridedSplit> {
    const reader = new StridedReader(emitterOf(this.#generate));
    if (this.#ratePerSecond === undefined) return reader;
    return new RateLimitedReader(reader, context.platform.clock, this.#ratePerSecond / context.parallelism);
  }

  createEnumerator(context: SplitEnumeratorContext<StridedSplit>): StridedEnumerator {
    return new StridedEnumerator(context, stridedSplits(this.#count, context.currentParallelism), this.#count);
  }

  restoreEnumerator(context: SplitEnumeratorContext<StridedSplit>, state: StridedEnumeratorState): StridedEnumerator {
    return new StridedEnumerator(context, state.unassigned, this.#count);
  }
}

// Counts indices, not records, against the budget: a generator that leaves most indices out must not hold the thread.
function emitterOf<T>(generate: GeneratorFunction<T>): StrideEmitter<T> {
  return (output: ReaderOutput<T>, next: number, step: number, end: number): number => {
    let index = next;
    const stop = Math.min(end, next + output.remaining * step);
    for (; index < stop; index += step) {
      const value = generate(index);
      if (value !== undefined) output.collect(value);
    }
    return index;
  };
}

function invalid(option: string, found: unknown, expected: string): MillraceError {
  return new MillraceError("MR_SOURCE_OPTION_INVALID", {
    what: `A data generator source cannot have this ${option}`,
    found: String(found),
    expected,
    todo: `Pass a valid ${option} to DataGeneratorSource.of`,
  });
}

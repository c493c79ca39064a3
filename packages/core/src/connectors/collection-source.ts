import type { Serializer } from "../types/type.ts";
import type { ReaderOutput, Source, SourceReader, SourceReaderContext, SplitEnumeratorContext } from "./source.ts";
import {
  StridedEnumerator,
  type StridedEnumeratorState,
  stridedEnumeratorStateSerializer,
} from "./strided-enumerator.ts";
import { StridedReader, type StrideEmitter } from "./strided-reader.ts";
import { contiguousSplits, type StridedSplit, stridedSplitSerializer } from "./strided-split.ts";

/**
 * The values of an array, in order within each subtask; subtask `s` of `p` reads the `s`-th of `p` contiguous parts.
 *
 * Checkpoints hold positions, not values: after a restore the job must be built with the same array. Where the
 * source ends, for a `HybridSource`, is the number of values.
 *
 * @example
 * const source = CollectionSource.of(["a", "b", "c"]);
 * @public
 */
export class CollectionSource<T> implements Source<T, StridedSplit, StridedEnumeratorState> {
  readonly description: Source<unknown>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<StridedSplit> = stridedSplitSerializer;
  readonly enumeratorStateSerializer: Serializer<StridedEnumeratorState> = stridedEnumeratorStateSerializer;
  readonly #values: readonly T[];

  private constructor(values: readonly T[]) {
    this.#values = values;
    this.description = { kind: "collection", options: { count: values.length } };
  }

  /** The array is copied; the values are emitted as they are, so they must not be changed later. */
  static of<T>(values: Iterable<T>): CollectionSource<T> {
    return new CollectionSource([...values]);
  }

  createReader(_context: SourceReaderContext): SourceReader<T, StridedSplit> {
    return new StridedReader(emitterOf(this.#values));
  }

  createEnumerator(context: SplitEnumeratorContext<StridedSplit>): StridedEnumerator {
    return new StridedEnumerator(
      context,
      contiguousSplits(this.#values.length, context.currentParallelism),
      this.#values.length,
    );
  }

  restoreEnumerator(context: SplitEnumeratorContext<StridedSplit>, state: StridedEnumeratorState): StridedEnumerator {
    return new StridedEnumerator(context, state.unassigned, this.#values.length);
  }
}

function emitterOf<T>(values: readonly T[]): StrideEmitter<T> {
  return (output: ReaderOutput<T>, next: number, step: number, end: number): number => {
    let index = next;
    // The cast holds: index stays below the end of a split, which is at most the length of the array.
    for (let left = output.remaining; left > 0 && index < end; left--, index += step)
      output.collect(values[index] as T);
    return index;
  };
}

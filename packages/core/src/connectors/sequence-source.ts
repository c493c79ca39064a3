import { MillraceError } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import type { ReaderOutput, Source, SourceReader, SourceReaderContext, SplitEnumeratorContext } from "./source.ts";
import {
  StridedEnumerator,
  type StridedEnumeratorState,
  stridedEnumeratorStateSerializer,
} from "./strided-enumerator.ts";
import { StridedReader } from "./strided-reader.ts";
import { contiguousSplits, type StridedSplit, stridedSplitSerializer } from "./strided-split.ts";

/**
 * The integers `from`, `from + 1`, … `to`, both included; each subtask emits one contiguous part in order.
 * Where it ends, for a `HybridSource`, is `to + 1`.
 *
 * @example
 * const source = NumberSequenceSource.of(1, 1000);
 * @public
 */
export class NumberSequenceSource implements Source<number, StridedSplit, StridedEnumeratorState> {
  readonly description: Source<unknown>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<StridedSplit> = stridedSplitSerializer;
  readonly enumeratorStateSerializer: Serializer<StridedEnumeratorState> = stridedEnumeratorStateSerializer;
  readonly #from: number;
  readonly #count: number;

  private constructor(from: number, to: number) {
    this.#from = from;
    this.#count = to - from + 1;
    this.description = { kind: "number-sequence", options: { from, to } };
  }

  /**
   * @param from - The first number, a safe integer.
   * @param to - The last number, a safe integer; `from - 1` gives an empty sequence.
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` when a bound is no safe integer or `to` is below `from - 1`.
   */
  static of(from: number, to: number): NumberSequenceSource {
    if (
      !Number.isSafeInteger(from) ||
      !Number.isSafeInteger(to) ||
      to < from - 1 ||
      !Number.isSafeInteger(to - from + 1)
    ) {
      throw new MillraceError("MR_SOURCE_OPTION_INVALID", {
        what: "A number sequence cannot be made of these bounds",
        found: `from ${from} to ${to}`,
        expected: "two safe integers, the last not below the first",
        todo: "Pass the first and the last number of the sequence",
      });
    }
    return new NumberSequenceSource(from, to);
  }

  createReader(_context: SourceReaderContext): SourceReader<number, StridedSplit> {
    const from = this.#from;
    return new StridedReader((output: ReaderOutput<number>, next: number, step: number, end: number): number => {
      let index = next;
      for (let left = output.remaining; left > 0 && index < end; left--, index += step) output.collect(from + index);
      return index;
    });
  }

  createEnumerator(context: SplitEnumeratorContext<StridedSplit>): StridedEnumerator {
    return new StridedEnumerator(
      context,
      contiguousSplits(this.#count, context.currentParallelism),
      this.#from + this.#count,
    );
  }

  restoreEnumerator(context: SplitEnumeratorContext<StridedSplit>, state: StridedEnumeratorState): StridedEnumerator {
    return new StridedEnumerator(context, state.unassigned, this.#from + this.#count);
  }
}

import { MillraceError } from "../../base/errors.ts";
import type { Serializer } from "../../types/type.ts";
import type {
  Boundedness,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "../source.ts";
import { HybridEnumerator, type HybridEnumeratorState, hybridEnumeratorStateSerializer } from "./hybrid-enumerator.ts";
import { HybridReader } from "./hybrid-reader.ts";
import { type HybridSplit, hybridSplitSerializer } from "./hybrid-split.ts";
import { type AnySource, type SourceFactory, SourceSequence, type SourceStep } from "./source-sequence.ts";

export type { SourceFactory, SourceSwitchContext } from "./source-sequence.ts";

/**
 * Reads sources one after the other as if they were one: first the files of the past, say, then the log of the present.
 * All but the last are bounded. The next source starts when every subtask has read all of the one before, so every record
 * of a source is read before any of the next; a checkpoint holds which source is being read, and where.
 *
 * A source that depends on where the one before has ended is made by a factory, from the position that the enumerator of
 * the one before gives in `endPosition()`. As in Flink there is one watermark strategy for all of them.
 *
 * @example
 * const numbers = HybridSource.builder(NumberSequenceSource.of(1, 100))
 *   .addSource(NumberSequenceSource.of(101, 200))
 *   .build();
 * @public
 */
export class HybridSource<T> implements Source<T, HybridSplit, HybridEnumeratorState> {
  readonly description: Source<unknown>["description"];
  readonly boundedness: Boundedness;
  readonly readersAdvanceTogether: boolean = true;
  readonly splitSerializer: Serializer<HybridSplit> = hybridSplitSerializer;
  readonly enumeratorStateSerializer: Serializer<HybridEnumeratorState> = hybridEnumeratorStateSerializer;
  readonly #sequence: SourceSequence<T>;

  /** @internal */
  constructor(steps: readonly SourceStep<T>[]) {
    this.#sequence = new SourceSequence(steps);
    this.boundedness = steps.at(-1)!.boundedness;
    const sources = steps.map(({ source, boundedness }) =>
      typeof source === "function" ? { kind: "factory", options: { boundedness } } : source.description,
    );
    this.description = { kind: "hybrid", options: { sources } };
  }

  /** @param firstSource - The source to read first; bounded if another follows. */
  static builder<T, SplitT extends SourceSplit, StateT>(
    firstSource: Source<T, SplitT, StateT>,
  ): HybridSourceBuilder<T> {
    return new HybridSourceBuilder([stepOf(firstSource)]);
  }

  createReader(context: SourceReaderContext): SourceReader<T, HybridSplit> {
    return new HybridReader(this.#sequence, context);
  }

  createEnumerator(context: SplitEnumeratorContext<HybridSplit>): SplitEnumerator<HybridSplit, HybridEnumeratorState> {
    return new HybridEnumerator(this.#sequence, context, undefined);
  }

  restoreEnumerator(
    context: SplitEnumeratorContext<HybridSplit>,
    state: HybridEnumeratorState,
  ): SplitEnumerator<HybridSplit, HybridEnumeratorState> {
    return new HybridEnumerator(this.#sequence, context, state);
  }
}

/** Collects the sources of a {@link HybridSource}, in the order they are read. @public */
export class HybridSourceBuilder<T> {
  readonly #steps: readonly SourceStep<T>[];

  /** @internal */
  constructor(steps: readonly SourceStep<T>[]) {
    this.#steps = steps;
  }

  /**
   * Reads another source after the ones so far.
   *
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` when the source before never ends.
   */
  addSource<SplitT extends SourceSplit, StateT>(source: Source<T, SplitT, StateT>): HybridSourceBuilder<T>;
  /**
   * Reads a source that is made when the one before has ended.
   *
   * @param factory - Called in every subtask, and again after a restart with the same position: it has to make the same
   * source of the same position.
   * @param boundedness - What the factory's source is; it must not differ.
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` when the source before never ends.
   */
  addSource<SplitT extends SourceSplit, StateT>(
    factory: SourceFactory<T, SplitT, StateT>,
    boundedness: Boundedness,
  ): HybridSourceBuilder<T>;
  addSource<SplitT extends SourceSplit, StateT>(
    source: Source<T, SplitT, StateT> | SourceFactory<T, SplitT, StateT>,
    boundedness?: Boundedness,
  ): HybridSourceBuilder<T> {
    if (this.#steps.at(-1)!.boundedness !== "bounded") {
      throw new MillraceError("MR_SOURCE_OPTION_INVALID", {
        what: "A hybrid source cannot go on after a source that never ends",
        where: { source: this.#steps.length },
        found: "a source after an unbounded one",
        expected: "bounded sources, the last of which may be unbounded",
        todo: "Put the unbounded source last, or bound it",
      });
    }
    return new HybridSourceBuilder([...this.#steps, stepOf(source, boundedness)]);
  }

  build(): HybridSource<T> {
    return new HybridSource(this.#steps);
  }
}

function stepOf<T, SplitT extends SourceSplit, StateT>(
  source: Source<T, SplitT, StateT> | SourceFactory<T, SplitT, StateT>,
  boundedness?: Boundedness,
): SourceStep<T> {
  if (typeof source === "function" && boundedness === undefined) {
    throw new MillraceError("MR_SOURCE_OPTION_INVALID", {
      what: "A hybrid source does not know whether a factory's source ends",
      found: "no boundedness",
      expected: '"bounded" or "continuous-unbounded"',
      todo: 'Pass the boundedness behind the factory: addSource(factory, "bounded")',
    });
  }
  // The splits and the state of a source only ever go back to that source.
  const step = source as unknown as SourceStep<T>["source"];
  return { source: step, boundedness: typeof step === "function" ? boundedness! : (step as AnySource<T>).boundedness };
}

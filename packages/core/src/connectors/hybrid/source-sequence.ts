import { MillraceError } from "../../base/errors.ts";
import { learnedType } from "../../types/learned-type.ts";
import type { Boundedness, Source, SourceSplit } from "../source.ts";
import { decoded, encoded } from "./hybrid-split.ts";

/** What a factory makes the next source from. @public */
export interface SourceSwitchContext {
  /** What the enumerator of the source before gave in `endPosition()`; undefined if it has none. */
  readonly previousEndPosition: unknown;
}

/** Makes the next source of a hybrid source when the one before has ended. @public */
export type SourceFactory<T, SplitT extends SourceSplit = SourceSplit, StateT = unknown> = (
  context: SourceSwitchContext,
) => Source<T, SplitT, StateT>;

/** @internal */
export type AnySource<T> = Source<T, SourceSplit, unknown>;

/** @internal */
export interface SourceStep<T> {
  readonly source: AnySource<T> | SourceFactory<T>;
  readonly boundedness: Boundedness;
}

/** The sources of a hybrid source, in order. @internal */
export class SourceSequence<T> {
  readonly #steps: readonly SourceStep<T>[];

  constructor(steps: readonly SourceStep<T>[]) {
    this.#steps = steps;
  }

  get lastIndex(): number {
    return this.#steps.length - 1;
  }

  /**
   * The source at the index, made from where the one before has ended.
   *
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` when a factory's source is not as bounded as was said.
   */
  sourceAt(index: number, previousEndPosition: Uint8Array): AnySource<T> {
    const { source, boundedness } = this.#steps[index]!;
    if (typeof source !== "function") return source;
    const made = source({ previousEndPosition: decodedPosition(previousEndPosition) });
    if (made.boundedness === boundedness) return made;
    throw new MillraceError("MR_SOURCE_OPTION_INVALID", {
      what: "A factory of a hybrid source made another kind of source than was said",
      where: { source: index },
      found: made.boundedness,
      expected: boundedness,
      todo: "Pass addSource the boundedness of the sources that the factory makes",
    });
  }
}

/** @throws MillraceError `MR_VALUE_UNSERIALIZABLE` when the position is no plain data. @internal */
export function encodedPosition(position: unknown): Uint8Array {
  return encoded(learnedType<unknown>().serializer, position);
}

function decodedPosition(bytes: Uint8Array): unknown {
  return decoded(learnedType<unknown>().serializer, bytes);
}

import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { LearnedCodec } from "./learned-codec.ts";
import type { Schema, Serializer, Type } from "./type.ts";
import { copyValue, equalsValue } from "./value-operations.ts";
import { findProblem, throwInvalid, throwUnserializable } from "./value-problem.ts";

const ANY: Schema = { kind: "any" };

/**
 * A serializer that needs no declaration: it learns the shapes of the records it sees. Accepts primitives (undefined,
 * NaN, -0 and bigint included), arrays, plain objects, Map, Set, Date and typed arrays, up to 256 levels deep. Reads
 * back what was written, except that holes in arrays become undefined and a null prototype becomes the usual one.
 *
 * @internal
 */
export function learnedSerializer<T = unknown>(): Serializer<T> {
  const codec = new LearnedCodec();
  return {
    schema: ANY,
    write(value: T, out: BinaryWriter): void {
      if (!codec.write(value, out, 0)) throwUnserializable(ANY, value);
    },
    read(input: BinaryReader): T {
      // The caller says what it wrote; nothing was declared that could be checked.
      return codec.read(input, 0) as T;
    },
  };
}

/** The type of values that nobody declared: its operations look at each value. @internal */
export function learnedType<T = unknown>(): Type<T> {
  return new LearnedType<T>();
}

class LearnedType<T> implements Type<T> {
  readonly schema: Schema = ANY;
  readonly serializer: Serializer<T> = learnedSerializer<T>();

  copy(value: T): T {
    return copyValue(value);
  }

  equals(left: T, right: T): boolean {
    return equalsValue(left, right);
  }

  validate(value: unknown, path = ""): asserts value is T {
    if (findProblem(ANY, value, path) !== undefined) throwInvalid(ANY, value, path);
  }
}

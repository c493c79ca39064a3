/**
 * A type is declared once and gives everything the engine needs to know about values: serializer, copy, equality,
 * key encoding, validation and the schema that is stored beside every state.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";

/** The portable description of a type: plain JSON, stored in state files, compared on restore. @public */
export type Schema =
  | {
      readonly kind:
        | "string"
        | "boolean"
        | "int32"
        | "int64"
        | "float64"
        | "bigint"
        | "timestamp"
        | "bytes"
        | "json"
        | "any";
    }
  | { readonly kind: "literal"; readonly values: readonly (string | number | boolean)[] }
  | { readonly kind: "object"; readonly fields: readonly SchemaField[] }
  | { readonly kind: "tuple"; readonly items: readonly Schema[] }
  | { readonly kind: "array" | "nullable" | "set"; readonly item: Schema }
  | { readonly kind: "map"; readonly key: Schema; readonly value: Schema };

/** One field of an object's schema. @public */
export interface SchemaField {
  readonly name: string;
  readonly optional: boolean;
  readonly schema: Schema;
}

/** Writes and reads values of one type. Holds no scratch state between calls, so one instance may serve many users. @public */
export interface Serializer<T> {
  /** The schema that was written; `any` for the learned-shape codec. */
  readonly schema: Schema;
  /** @throws MillraceError `MR_VALUE_UNSERIALIZABLE` with the path of the offending property. */
  write(value: T, out: BinaryWriter): void;
  /** @throws MillraceError `MR_DATA_CORRUPT` when the bytes are no value of this type. */
  read(input: BinaryReader): T;
}

/** A declared type; made by `t.*`. @public */
export interface Type<T> {
  readonly schema: Schema;
  readonly serializer: Serializer<T>;
  /** A deep copy that shares nothing mutable with the value. */
  copy(value: T): T;
  equals(left: T, right: T): boolean;
  /** @throws MillraceError `MR_VALUE_INVALID` naming the path, what was found and what was expected. */
  validate(value: unknown, path?: string): asserts value is T;
  /** Phantom: carries `T` for inference. */
  readonly _type?: T | undefined;
}

/** The value type of a declared type: `Infer<typeof Flight>`. @public */
export type Infer<X> = X extends Type<infer T> ? T : never;

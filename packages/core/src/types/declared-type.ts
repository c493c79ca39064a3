import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { type CompiledType, compileType } from "./compiled-type.ts";
import type { Schema, Serializer, Type } from "./type.ts";
import { throwInvalid } from "./value-problem.ts";

/** Compiled when it is first used: most declarations are only parts of others. */
export class DeclaredType<T> implements Type<T> {
  readonly schema: Schema;
  #compiled: CompiledType | undefined = undefined;
  #serializer: Serializer<T> | undefined = undefined;

  constructor(schema: Schema) {
    this.schema = schema;
  }

  get serializer(): Serializer<T> {
    this.#serializer ??= serializerOf<T>(this.schema, this.#functions());
    return this.#serializer;
  }

  /** The generated source, for inspection. */
  get source(): string {
    return this.#functions().source;
  }

  copy(value: T): T {
    // A copy has the type of what is copied.
    return this.#functions().copy(value) as T;
  }

  equals(left: T, right: T): boolean {
    return this.#functions().equals(left, right);
  }

  validate(value: unknown, path = ""): asserts value is T {
    if (!this.#functions().is(value)) throwInvalid(this.schema, value, path);
  }

  #functions(): CompiledType {
    this.#compiled ??= compileType(this.schema);
    return this.#compiled;
  }
}

function serializerOf<T>(schema: Schema, compiled: CompiledType): Serializer<T> {
  return {
    schema,
    write: compiled.write as (value: T, out: BinaryWriter) => void,
    // The generated reader makes values of the schema, and T is inferred from the schema's declaration.
    read: compiled.read as (input: BinaryReader) => T,
  };
}

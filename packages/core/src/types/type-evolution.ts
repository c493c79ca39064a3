/**
 * What a type says of values that were written before it was as it is: names that fields had, what stands for fields that were
 * not there, and a function from an earlier type. It belongs to the job that reads, so it is no part of the schema as data:
 * a symbol that JSON leaves out, and no two schemas differ in it.
 */
import type { Schema, SchemaField } from "./type.ts";

const EVOLUTION: unique symbol = Symbol("evolution");

/** Of one field of an object. @internal */
export interface FieldEvolution {
  /** Names under which it was written, the latest first. */
  readonly aliases: readonly string[];
  /** What an object gets that was written without the field; undefined: nothing. Each time another value, where it is an object. */
  readonly makeDefault: (() => unknown) | undefined;
}

/** Of a type as a whole. @internal */
export interface TypeEvolution {
  readonly from: Schema;
  /** Makes a value of the type of one of `from`. */
  readonly migrate: (value: unknown) => unknown;
}

/** The schema, which is not changed, with what it grew out of. @internal */
export function evolvedSchema(schema: Schema, evolution: TypeEvolution): Schema {
  const evolved: Evolving<Schema, TypeEvolution> = { ...schema, [EVOLUTION]: evolution };
  return evolved;
}

/** @internal */
export function evolvedField(field: SchemaField, evolution: FieldEvolution): SchemaField {
  const evolved: Evolving<SchemaField, FieldEvolution> = { ...field, [EVOLUTION]: evolution };
  return evolved;
}

/** @internal */
export function evolutionOf(schema: Schema): TypeEvolution | undefined {
  return (schema as Evolving<Schema, TypeEvolution>)[EVOLUTION];
}

/** @internal */
export function fieldEvolutionOf(field: SchemaField): FieldEvolution {
  return (field as Evolving<SchemaField, FieldEvolution>)[EVOLUTION] ?? NONE;
}

const NONE: FieldEvolution = { aliases: [], makeDefault: undefined };

type Evolving<S, E> = S & { readonly [EVOLUTION]?: E };

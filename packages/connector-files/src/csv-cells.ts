import { MillraceError, type Schema, type Type } from "millrace";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { toJson } from "./json-values.ts";
import { parseTimestamp } from "./text-timestamp.ts";

/** One column of a declared type. @internal */
export interface CsvColumn {
  readonly name: string;
  readonly schema: Schema;
  /** May be missing from the header, and is left out of the record when its field is null. */
  readonly isOptional: boolean;
  readonly isNullable: boolean;
}

/**
 * The columns of a declared object type.
 * @throws MillraceError `MR_FORMAT_TYPE_UNSUPPORTED` for a type that is no object, or a field that one cell cannot hold.
 * @internal
 */
export function csvColumns(type: Type<unknown>): readonly CsvColumn[] {
  const { schema } = type;
  if (schema.kind !== "object") throw unsupported("", schema.kind);
  return schema.fields.map(({ name, optional, schema: field }) => {
    const isNullable = field.kind === "nullable";
    const inner = isNullable ? field.item : field;
    if (!CELL_KINDS.has(inner.kind)) throw unsupported(name, inner.kind);
    return { name, schema: inner, isOptional: optional, isNullable };
  });
}

const CELL_KINDS: ReadonlySet<Schema["kind"]> = new Set([
  "string",
  "boolean",
  "int32",
  "int64",
  "float64",
  "bigint",
  "timestamp",
  "bytes",
  "literal",
  "json",
] as const);

/** The value of a cell, or undefined when the text is none of the schema. @internal */
export function parseCell(schema: Schema, text: string): unknown {
  switch (schema.kind) {
    case "string":
      return text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "int32":
      return integer(text, -(2 ** 31), 2 ** 31 - 1);
    case "int64":
      return integer(text, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case "float64":
      return FLOAT.test(text) ? Number(text) : undefined;
    case "bigint":
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    case "timestamp":
      return integer(text, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? parseTimestamp(text);
    case "bytes":
      return decodeBase64(text);
    case "literal":
      return schema.values.find((value) => String(value) === text);
    case "json":
      return json(text);
    default:
      return undefined;
  }
}

/** The text of a value in a cell. @throws MillraceError `MR_VALUE_UNSERIALIZABLE` @internal */
export function formatCell(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return encodeBase64(value);
  const plain = toJson(value, path);
  return typeof plain === "object" ? JSON.stringify(plain) : String(plain);
}

const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function integer(text: string, min: number, max: number): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller reports every undefined with the column and the text.
    return undefined;
  }
}

function unsupported(field: string, kind: string): MillraceError {
  return new MillraceError("MR_FORMAT_TYPE_UNSUPPORTED", {
    what: field === "" ? "CSV records need a type with fields" : `A CSV column cannot hold the field ${field}`,
    found: `t.${kind}`,
    expected: field === "" ? "t.object({ ... })" : `one of t.${[...CELL_KINDS].join(", t.")}`,
    todo: "Declare the record as t.object with flat fields, or use JSON lines",
  });
}

/** Schemas as data: parsed from state files, compared, shown in messages. */
import type { Schema, SchemaField } from "./type.ts";

/** Kinds without parts. */
const SIMPLE_KINDS: ReadonlySet<string> = new Set([
  "string",
  "boolean",
  "int32",
  "int64",
  "float64",
  "bigint",
  "timestamp",
  "bytes",
  "json",
  "any",
]);
/** A schema may be nested this deep; declared ones are far below. */
const SCHEMA_DEPTH_MAX = 100;

/** The schema that a JSON text describes, or undefined when it describes none. @internal */
export function parseSchema(text: string): Schema | undefined {
  try {
    return schemaOf(JSON.parse(text), 0);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** True when values of both schemas have the same bytes and the same meaning. @internal */
export function sameSchema(left: Schema, right: Schema): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** A schema in the words of its declaration, for messages: `array(nullable(int32))`. @internal */
export function describeSchema(schema: Schema): string {
  switch (schema.kind) {
    case "literal":
      return schema.values.map((value) => JSON.stringify(value)).join(" | ");
    case "object":
      return `object({ ${schema.fields.map((field) => `${field.name}: ${describeField(field)}`).join(", ")} })`;
    case "tuple":
      return `tuple([${schema.items.map(describeSchema).join(", ")}])`;
    case "array":
    case "nullable":
    case "set":
      return `${schema.kind}(${describeSchema(schema.item)})`;
    case "map":
      return `map(${describeSchema(schema.key)}, ${describeSchema(schema.value)})`;
    default:
      return schema.kind;
  }
}

function describeField({ optional, schema }: SchemaField): string {
  return optional ? `optional(${describeSchema(schema)})` : describeSchema(schema);
}

/** Builds the schema anew from known parts only, so that nothing else of the parsed text lives on. */
function schemaOf(parsed: unknown, depth: number): Schema | undefined {
  if (typeof parsed !== "object" || parsed === null || depth > SCHEMA_DEPTH_MAX) return undefined;
  const { kind, values, fields, items, item, key, value } = parsed as Record<string, unknown>;
  if (typeof kind !== "string") return undefined;
  // The set holds exactly the kinds of the first variant.
  if (SIMPLE_KINDS.has(kind)) return { kind } as Schema;
  switch (kind) {
    case "literal":
      return Array.isArray(values) && values.length > 0 && values.every(isLiteral) ? { kind, values } : undefined;
    case "object": {
      const parts = partsOf(fields, (field) => fieldOf(field, depth));
      return parts && new Set(parts.map(({ name }) => name)).size === parts.length
        ? { kind, fields: parts }
        : undefined;
    }
    case "tuple": {
      const parts = partsOf(items, (part) => schemaOf(part, depth + 1));
      return parts && { kind, items: parts };
    }
    case "array":
    case "nullable":
    case "set": {
      const part = schemaOf(item, depth + 1);
      return part && { kind, item: part };
    }
    case "map": {
      const [keyPart, valuePart] = [schemaOf(key, depth + 1), schemaOf(value, depth + 1)];
      return keyPart && valuePart && { kind, key: keyPart, value: valuePart };
    }
    default:
      return undefined;
  }
}

function fieldOf(parsed: unknown, depth: number): SchemaField | undefined {
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { name, optional, schema } = parsed as Record<string, unknown>;
  const part = schemaOf(schema, depth + 1);
  return typeof name === "string" && typeof optional === "boolean" && part
    ? { name, optional, schema: part }
    : undefined;
}

function partsOf<T>(parsed: unknown, partOf: (part: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(parsed)) return undefined;
  const parts: T[] = [];
  for (const entry of parsed) {
    const part = partOf(entry);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

function isLiteral(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

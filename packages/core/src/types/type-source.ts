/**
 * The source of a declared type's functions: write, read, copy, equals and is.
 *
 * - G1. Text of the user enters through quote.ts only.
 * - G2. One function holds the whole type, nested objects included: nothing is dispatched per field.
 * - G3. `write` accepts exactly what `is` accepts, up to values that `any` parts refuse. It knows no path; on a wrong
 *   value it calls `refuse(value)`, which finds it.
 * - G4. Objects are made by one literal with all fields in their declared order, absent ones undefined.
 *
 * The bytes, part by part:
 *
 *     string                    as in BinaryWriter
 *     boolean                   u8 0 or 1
 *     int32, int64              zigzag; -0 is 0
 *     float64                   f64
 *     timestamp                 f64, a safe integer; -0 is 0
 *     bigint                    varint 2 x length + negative, magnitude bytes, lowest first
 *     bytes                     varint length, bytes
 *     json, any                 tagged, see learned-codec.ts
 *     literal                   varint index into the schema's values
 *     nullable                  u8 0 for null; u8 1, value
 *     object                    its fields in order; an optional field is u8 0 when absent, else u8 1, value
 *     tuple                     its items
 *     array, set                varint count, items
 *     map                       varint count, (key, value)
 *     object, tuple of nothing  u8 0, so that every value has at least one byte
 */
import { type FunctionBody, functionSource } from "./function-source.ts";
import { quoteLiteral, quoteProperty, quoteRead } from "./quote.ts";
import type { Schema, SchemaField } from "./type.ts";

/** @internal */
export function typeSource(schema: Schema): string {
  const functions = [
    writeFunction(schema),
    readFunction(schema),
    copyFunction(schema),
    equalsFunction(schema),
    isFunction(schema),
  ];
  return ['"use strict";', ...functions.flat(), "return { write, read, copy, equals, is };"].join("\n");
}

/** True when values can be shared instead of copied. */
export function isImmutable(schema: Schema): boolean {
  if (schema.kind === "nullable") return isImmutable(schema.item);
  return !["bytes", "json", "any", "object", "tuple", "array", "set", "map"].includes(schema.kind);
}

/** An expression that is true when `v` is wrong, for kinds without parts that need a walk. */
function wrong(schema: Schema, v: string): string {
  switch (schema.kind) {
    case "string":
    case "boolean":
    case "bigint":
      return `typeof ${v} !== "${schema.kind}"`;
    case "float64":
      return `typeof ${v} !== "number"`;
    case "int32":
      return `typeof ${v} !== "number" || (${v} | 0) !== ${v}`;
    case "int64":
    case "timestamp":
      return `!isSafeInteger(${v})`;
    case "bytes":
      return `!(${v} instanceof Uint8Array)`;
    case "literal":
      return schema.values.map((value) => `${v} !== ${quoteLiteral(value)}`).join(" && ");
    case "object":
      return `!isPlainObject(${v})`;
    case "array":
      return `!isArray(${v})`;
    case "tuple":
      return `!isArray(${v}) || ${v}.length !== ${schema.items.length}`;
    case "set":
      return `!(${v} instanceof Set)`;
    case "map":
      return `!(${v} instanceof Map)`;
    case "json":
      return `!isJson(${v})`;
    case "any":
      return `!isAny(${v})`;
    case "nullable":
      return "false";
  }
}

function writeFunction(schema: Schema): string[] {
  return functionSource("write(value, out)", (body) => emitWrite(body, schema, "value"));
}

function emitWrite(body: FunctionBody, schema: Schema, v: string): void {
  // `any` is not looked at twice: its writer finds what is wrong.
  if (schema.kind !== "any" && schema.kind !== "nullable") body.line(`if (${wrong(schema, v)}) refuse(value);`);
  switch (schema.kind) {
    case "nullable":
      emitWriteUnless(body, schema.item, v, "null");
      break;
    case "object":
    case "tuple":
      emitWriteParts(body, schema, v);
      break;
    case "map": {
      body.line(`out.varint(${v}.size);`);
      const [key, part] = [body.name("k"), body.name("v")];
      body.block(`for (const [${key}, ${part}] of ${v}) {`, () => {
        emitWrite(body, schema.key, key);
        emitWrite(body, schema.value, part);
      });
      break;
    }
    case "array":
    case "set":
      body.line(`out.varint(${v}.${schema.kind === "set" ? "size" : "length"});`);
      emitLoop(body, schema.kind, v, (part) => emitWrite(body, schema.item, part));
      break;
    default:
      body.line(`${leafWrite(schema, v)};`);
  }
}

function leafWrite(schema: LeafSchema, v: string): string {
  switch (schema.kind) {
    case "string":
    case "float64":
    case "bytes":
      return `out.${schema.kind === "float64" ? "f64" : schema.kind}(${v})`;
    case "boolean":
      return `out.u8(${v} ? 1 : 0)`;
    case "int32":
    case "int64":
      return `out.zigzag(${v})`;
    case "timestamp":
      return `out.f64(${v} + 0)`;
    case "bigint":
      return `writeBigint(${v}, out)`;
    case "json":
    case "any":
      return `if (!codec.write(${v}, out, 0)) refuse(value)`;
    case "literal": {
      const choices = schema.values.slice(0, -1).map((value, index) => `${v} === ${quoteLiteral(value)} ? ${index} : `);
      return `out.varint(${choices.join("")}${schema.values.length - 1})`;
    }
  }
}

function emitWriteParts(body: FunctionBody, schema: PartsSchema, v: string): void {
  const parts = partsOf(schema, v);
  if (parts.length === 0) body.line("out.u8(0);");
  for (const part of parts) {
    const p = body.let("v", part.read);
    if (part.optional) emitWriteUnless(body, part.schema, p, "undefined");
    else emitWrite(body, part.schema, p);
  }
}

function emitWriteUnless(body: FunctionBody, schema: Schema, v: string, absent: string): void {
  body.line(`if (${v} === ${absent}) out.u8(0);`);
  body.block("else {", () => {
    body.line("out.u8(1);");
    emitWrite(body, schema, v);
  });
}

type PartsSchema = Extract<Schema, { kind: "object" | "tuple" }>;
type MapSchema = Extract<Schema, { kind: "map" }>;
type LeafSchema = Exclude<Schema, PartsSchema | MapSchema | { readonly kind: "array" | "nullable" | "set" }>;

interface Part {
  /** Source that reads the part of a value. */
  readonly read: string;
  readonly optional: boolean;
  readonly schema: Schema;
  readonly field: SchemaField | undefined;
}

function partsOf(schema: PartsSchema, v: string): readonly Part[] {
  if (schema.kind === "tuple") {
    return schema.items.map((item, index) => ({
      read: `${v}[${index}]`,
      optional: false,
      schema: item,
      field: undefined,
    }));
  }
  return schema.fields.map((field) => ({
    read: quoteRead(v, field.name),
    optional: field.optional,
    schema: field.schema,
    field,
  }));
}

function emitLoop(body: FunctionBody, kind: string, v: string, each: (part: string) => void): void {
  const part = body.name("v");
  if (kind === "set") {
    body.block(`for (const ${part} of ${v}) {`, () => each(part));
    return;
  }
  const index = body.name("i");
  body.block(`for (let ${index} = 0; ${index} < ${v}.length; ${index}++) {`, () => {
    body.line(`const ${part} = ${v}[${index}];`);
    each(part);
  });
}

function readFunction(schema: Schema): string[] {
  return functionSource("read(input)", (body) => body.line(`return ${emitRead(body, schema)};`));
}

/** Emits the reads in order and returns an expression that puts the value together. */
function emitRead(body: FunctionBody, schema: Schema): string {
  switch (schema.kind) {
    case "nullable":
      return emitReadIf(body, schema.item, "null");
    case "object":
    case "tuple":
      return emitReadParts(body, schema);
    case "map": {
      const map = body.let("m", "new Map()");
      emitCounted(body, 2, () => {
        const key = emitRead(body, schema.key);
        body.line(`${map}.set(${key}, ${emitRead(body, schema.value)});`);
      });
      return map;
    }
    case "array":
    case "set": {
      const items = body.let("a", schema.kind === "set" ? "new Set()" : "[]");
      const add = schema.kind === "set" ? "add" : "push";
      emitCounted(body, 1, () => body.line(`${items}.${add}(${emitRead(body, schema.item)});`));
      return items;
    }
    case "literal": {
      const index = body.let("i", `readIndex(input, ${schema.values.length})`);
      const choices = schema.values.slice(0, -1).map((value, at) => `${index} === ${at} ? ${quoteLiteral(value)} : `);
      return body.let("v", `${choices.join("")}${quoteLiteral(schema.values.at(-1)!)}`);
    }
    default:
      return body.let("v", LEAF_READS[schema.kind]);
  }
}

const LEAF_READS: Readonly<Record<Exclude<LeafSchema["kind"], "literal">, string>> = {
  string: "input.string()",
  boolean: "readFlag(input)",
  int32: "readInt32(input)",
  int64: "input.zigzag()",
  float64: "input.f64()",
  timestamp: "readTimestamp(input)",
  bigint: "readBigint(input)",
  bytes: "input.bytes()",
  json: "readJson(input)",
  any: "codec.read(input, 0)",
};

function emitReadParts(body: FunctionBody, schema: PartsSchema): string {
  const parts = partsOf(schema, "");
  if (parts.length === 0) body.line("readIndex(input, 1);");
  const values = parts.map((part) => {
    const value = part.optional ? emitReadIf(body, part.schema, "undefined") : emitRead(body, part.schema);
    return part.field === undefined ? value : quoteProperty(part.field.name, value);
  });
  return schema.kind === "tuple" ? `[${values.join(", ")}]` : `{ ${values.join(", ")} }`;
}

function emitReadIf(body: FunctionBody, schema: Schema, absent: string): string {
  const value = body.name("v");
  body.line(`let ${value} = ${absent};`);
  body.block("if (readFlag(input)) {", () => body.line(`${value} = ${emitRead(body, schema)};`));
  return value;
}

function emitCounted(body: FunctionBody, bytesEach: number, each: () => void): void {
  const left = body.name("n");
  body.block(`for (let ${left} = input.count(${bytesEach}); ${left} > 0; ${left}--) {`, each);
}

function copyFunction(schema: Schema): string[] {
  return functionSource("copy(value)", (body) => body.line(`return ${emitCopy(body, schema, "value")};`));
}

function emitCopy(body: FunctionBody, schema: Schema, v: string): string {
  if (isImmutable(schema)) return v;
  switch (schema.kind) {
    case "bytes":
      return `new Uint8Array(${v})`;
    case "nullable":
      return emitCopyUnless(body, schema.item, v, "null");
    case "object":
    case "tuple": {
      const values = partsOf(schema, v).map((part) => {
        const p = body.let("v", part.read);
        const copied = part.optional
          ? emitCopyUnless(body, part.schema, p, "undefined")
          : emitCopy(body, part.schema, p);
        return part.field === undefined ? copied : quoteProperty(part.field.name, copied);
      });
      return schema.kind === "tuple" ? `[${values.join(", ")}]` : `{ ${values.join(", ")} }`;
    }
    case "map": {
      const copied = body.let("m", "new Map()");
      const [key, part] = [body.name("k"), body.name("v")];
      body.block(`for (const [${key}, ${part}] of ${v}) {`, () => {
        const copiedKey = emitCopy(body, schema.key, key);
        body.line(`${copied}.set(${copiedKey}, ${emitCopy(body, schema.value, part)});`);
      });
      return copied;
    }
    case "array":
    case "set": {
      const copied = body.let("a", schema.kind === "set" ? "new Set()" : "[]");
      const add = schema.kind === "set" ? "add" : "push";
      emitLoop(body, schema.kind, v, (part) => body.line(`${copied}.${add}(${emitCopy(body, schema.item, part)});`));
      return copied;
    }
    default:
      return `copyValue(${v})`;
  }
}

function emitCopyUnless(body: FunctionBody, schema: Schema, v: string, absent: string): string {
  if (isImmutable(schema)) return v;
  const copied = body.name("v");
  body.line(`let ${copied} = ${absent};`);
  body.block(`if (${v} !== ${absent}) {`, () => body.line(`${copied} = ${emitCopy(body, schema, v)};`));
  return copied;
}

function equalsFunction(schema: Schema): string[] {
  return functionSource("equals(left, right)", (body) => {
    body.line("if (left === right) return true;");
    emitEquals(body, schema, "left", "right");
    body.line("return true;");
  });
}

function emitEquals(body: FunctionBody, schema: Schema, a: string, b: string): void {
  switch (schema.kind) {
    case "nullable":
      emitEqualsUnless(body, schema.item, a, b, "null");
      break;
    case "object":
    case "tuple":
      emitEqualsParts(body, schema, a, b);
      break;
    case "array": {
      const index = body.name("i");
      body.line(`if (${a}.length !== ${b}.length) return false;`);
      body.block(`for (let ${index} = 0; ${index} < ${a}.length; ${index}++) {`, () => {
        const [left, right] = [body.let("l", `${a}[${index}]`), body.let("r", `${b}[${index}]`)];
        emitEquals(body, schema.item, left, right);
      });
      break;
    }
    case "set":
      emitEqualsSet(body, schema.item, a, b);
      break;
    case "map":
      emitEqualsMap(body, schema, a, b);
      break;
    default:
      body.line(`if (${leafDiffers(schema, a, b)}) return false;`);
  }
}

function leafDiffers(schema: LeafSchema, a: string, b: string): string {
  switch (schema.kind) {
    case "float64":
      return `${a} !== ${b} && (${a} === ${a} || ${b} === ${b})`;
    case "bytes":
      return `!equalsBytes(${a}, ${b})`;
    case "json":
    case "any":
      return `!equalsValue(${a}, ${b})`;
    default:
      return `${a} !== ${b}`;
  }
}

function emitEqualsParts(body: FunctionBody, schema: PartsSchema, a: string, b: string): void {
  const others = partsOf(schema, b);
  partsOf(schema, a).forEach((part, index) => {
    const [left, right] = [body.let("l", part.read), body.let("r", others[index]!.read)];
    if (part.optional) emitEqualsUnless(body, part.schema, left, right, "undefined");
    else emitEquals(body, part.schema, left, right);
  });
}

function emitEqualsUnless(body: FunctionBody, schema: Schema, a: string, b: string, absent: string): void {
  body.block(`if (${a} !== ${b}) {`, () => {
    body.line(`if (${a} === ${absent} || ${b} === ${absent}) return false;`);
    emitEquals(body, schema, a, b);
  });
}

function emitEqualsSet(body: FunctionBody, item: Schema, a: string, b: string): void {
  body.line(`if (${a}.size !== ${b}.size) return false;`);
  if (isImmutable(item)) {
    const part = body.name("v");
    body.line(`for (const ${part} of ${a}) if (!${b}.has(${part})) return false;`);
  } else {
    emitPairsUp(body, `${a}, ${b}, (l, r)`, () => emitEquals(body, item, "l", "r"));
  }
}

function emitEqualsMap(body: FunctionBody, schema: MapSchema, a: string, b: string): void {
  body.line(`if (${a}.size !== ${b}.size) return false;`);
  if (isImmutable(schema.key)) {
    const [key, part] = [body.name("k"), body.name("l")];
    body.block(`for (const [${key}, ${part}] of ${a}) {`, () => {
      body.line(`if (!${b}.has(${key})) return false;`);
      const other = body.let("r", `${b}.get(${key})`);
      emitEquals(body, schema.value, part, other);
    });
  } else {
    emitPairsUp(body, `${a}, ${b}, ([lk, lv], [rk, rv])`, () => {
      emitEquals(body, schema.key, "lk", "rk");
      emitEquals(body, schema.value, "lv", "rv");
    });
  }
}

/** Elements that are objects are found by comparing, in any order. */
function emitPairsUp(body: FunctionBody, head: string, compare: () => void): void {
  const equal = (): void => {
    compare();
    body.line("return true;");
  };
  body.block(`if (!pairsUp(${head} => {`, equal, "})) return false;");
}

function isFunction(schema: Schema): string[] {
  return functionSource("is(value)", (body) => {
    emitIs(body, schema, "value");
    body.line("return true;");
  });
}

function emitIs(body: FunctionBody, schema: Schema, v: string): void {
  if (schema.kind === "nullable") {
    body.block(`if (${v} !== null) {`, () => emitIs(body, schema.item, v));
    return;
  }
  body.line(`if (${wrong(schema, v)}) return false;`);
  switch (schema.kind) {
    case "object":
    case "tuple":
      for (const part of partsOf(schema, v)) {
        const p = body.let("v", part.read);
        if (part.optional) body.block(`if (${p} !== undefined) {`, () => emitIs(body, part.schema, p));
        else emitIs(body, part.schema, p);
      }
      break;
    case "array":
    case "set":
      emitLoop(body, schema.kind, v, (part) => emitIs(body, schema.item, part));
      break;
    case "map": {
      const [key, part] = [body.name("k"), body.name("v")];
      body.block(`for (const [${key}, ${part}] of ${v}) {`, () => {
        emitIs(body, schema.key, key);
        emitIs(body, schema.value, part);
      });
      break;
    }
    default:
  }
}

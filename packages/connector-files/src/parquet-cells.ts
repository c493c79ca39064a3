/**
 * From what a Parquet column stores to values of a declared type. Raw values are: numbers for INT32, FLOAT and DOUBLE;
 * for INT64 a number where it is safe and a bigint elsewhere; bigints for INT96; booleans; bytes.
 */
import type { SchemaElement } from "hyparquet";
import type { Schema } from "millrace";

/** A cell that is no value of the declared type; takes the value's place until its row is reported. @internal */
export class BadCell {
  readonly found: string;

  constructor(found: string) {
    this.found = found;
  }
}

/** Gives the value, or a {@link BadCell}. @internal */
export type CellConverter = (raw: unknown) => unknown;

const MS_PER_DAY = 86_400_000;
/** The Julian day of 1970-01-01, from which INT96 timestamps count. */
const JULIAN_EPOCH_DAYS = 2_440_588n;

/** The converter from a column to a declared type, or undefined when the column cannot hold that type. @internal */
export function cellConverter(schema: Schema, element: SchemaElement): CellConverter | undefined {
  switch (schema.kind) {
    case "timestamp":
      return timestampConverter(element);
    case "int32":
      return isInteger(element) ? (raw) => inRange(raw, -(2 ** 31), 2 ** 31 - 1, "int32") : undefined;
    case "int64":
      return isInteger(element)
        ? (raw) => inRange(raw, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "a safe integer")
        : undefined;
    case "float64":
      return floatConverter(element);
    case "bigint":
      // The cast holds: an integer column holds numbers and bigints.
      return isInteger(element) ? (raw) => BigInt(raw as number | bigint) : undefined;
    case "boolean":
      return element.type === "BOOLEAN" ? (raw) => raw : undefined;
    case "string":
      return textConverter(element);
    case "bytes":
      return isBytes(element) && element.converted_type !== "DECIMAL" ? copyBytes : undefined;
    case "json":
      return jsonConverter(element);
    case "literal":
      return literalConverter(schema.values, element);
    default:
      return undefined;
  }
}

/** A column's type as people write it. @internal */
export function describeColumn(element: SchemaElement): string {
  const logical = element.logical_type?.type ?? element.converted_type;
  return logical === undefined ? String(element.type) : `${element.type} (${logical})`;
}

function isInteger(element: SchemaElement): boolean {
  if (element.type !== "INT32" && element.type !== "INT64") return false;
  const { converted_type: converted, logical_type: logical } = element;
  if (logical !== undefined && logical.type !== "INTEGER") return false;
  return converted === undefined || converted.startsWith("INT_") || converted.startsWith("UINT_");
}

function isBytes(element: SchemaElement): boolean {
  return element.type === "BYTE_ARRAY" || element.type === "FIXED_LEN_BYTE_ARRAY";
}

function inRange(raw: unknown, min: number, max: number, expected: string): unknown {
  return typeof raw === "number" && raw >= min && raw <= max ? raw : new BadCell(`${raw}, which is not ${expected}`);
}

function timestampConverter(element: SchemaElement): CellConverter | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (type === "INT96") return int96ToMs;
  if (type === "INT32" && (converted === "DATE" || logical?.type === "DATE")) return (raw) => Number(raw) * MS_PER_DAY;
  const unit = logical?.type === "TIMESTAMP" ? logical.unit : converted?.replace("TIMESTAMP_", "");
  if (unit === "MILLIS") return (raw) => scaledMs(raw, 1);
  if (unit === "MICROS") return (raw) => scaledMs(raw, 1000);
  if (unit === "NANOS") return (raw) => scaledMs(raw, 1_000_000);
  return isInteger(element) ? (raw) => scaledMs(raw, 1) : undefined;
}

function scaledMs(raw: unknown, perMs: number): unknown {
  if (typeof raw === "number") return Math.floor(raw / perMs);
  // The cast holds: an INT64 column holds numbers and bigints. Division cuts towards zero, so go down by hand.
  const value = raw as bigint;
  const divisor = BigInt(perMs);
  const ms = Number(value >= 0n ? value / divisor : -((-value + divisor - 1n) / divisor));
  return Number.isSafeInteger(ms) ? ms : new BadCell(`${raw}, which is no time in milliseconds`);
}

function int96ToMs(raw: unknown): unknown {
  // The cast holds: INT96 columns hold bigints, the day in the upper 32 bits and nanoseconds of the day below.
  const value = BigInt.asUintN(96, raw as bigint);
  const days = BigInt.asIntN(32, value >> 64n) - JULIAN_EPOCH_DAYS;
  return Number(days) * MS_PER_DAY + Number((value & 0xffff_ffff_ffff_ffffn) / 1_000_000n);
}

function floatConverter(element: SchemaElement): CellConverter | undefined {
  if (element.converted_type === "DECIMAL" || element.logical_type?.type === "DECIMAL") {
    const divisor = 10 ** (element.scale ?? 0);
    return (raw) => Number(raw instanceof Uint8Array ? bigEndianInteger(raw) : raw) / divisor;
  }
  if (element.type === "FLOAT" || element.type === "DOUBLE") return (raw) => raw;
  return isInteger(element)
    ? (raw) => inRange(raw, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "exact")
    : undefined;
}

function bigEndianInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

function textConverter(element: SchemaElement): CellConverter | undefined {
  if (!isBytes(element) || element.converted_type === "DECIMAL" || element.logical_type?.type === "DECIMAL")
    return undefined;
  if (element.logical_type?.type === "UUID") return (raw) => uuidText(raw as Uint8Array);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return (raw) => {
    try {
      // The cast holds: the column holds bytes.
      return decoder.decode(raw as Uint8Array);
    } catch {
      // Not swallowed: the row is reported with this text.
      return new BadCell("bytes that are no UTF-8");
    }
  };
}

function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// The bytes of a page are shared by all its values, and given back when the page has been read.
function copyBytes(raw: unknown): unknown {
  return (raw as Uint8Array).slice();
}

function jsonConverter(element: SchemaElement): CellConverter | undefined {
  const toText = textConverter(element);
  if (toText === undefined) return undefined;
  return (raw) => {
    const text = toText(raw);
    if (typeof text !== "string") return text;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      return new BadCell(`${JSON.stringify(text.slice(0, 100))}: ${String(error)}`);
    }
  };
}

function literalConverter(
  values: readonly (string | number | boolean)[],
  element: SchemaElement,
): CellConverter | undefined {
  const kind = isBytes(element) ? "string" : element.type === "BOOLEAN" ? "boolean" : "number";
  if (values.some((value) => typeof value !== kind)) return undefined;
  const convert =
    kind === "string" ? textConverter(element) : kind === "number" ? floatConverter(element) : (raw: unknown) => raw;
  if (convert === undefined) return undefined;
  return (raw) => {
    const value = convert(raw);
    return value instanceof BadCell || values.some((allowed) => allowed === value)
      ? value
      : new BadCell(`${JSON.stringify(value)}, which is none of the declared values`);
  };
}

/** Compiles the source of a declared type. What the source calls is handed to it here, by name. */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { readBigint, writeBigint } from "./key-encoding.ts";
import { LearnedCodec } from "./learned-codec.ts";
import { isPlainObject } from "./plain-object.ts";
import type { Schema } from "./type.ts";
import { typeSource } from "./type-source.ts";
import { copyValue, equalsValue, pairsUp } from "./value-operations.ts";
import { findProblem, throwUnserializable } from "./value-problem.ts";

/** @internal */
export interface CompiledType {
  /** The generated source, for inspection. */
  readonly source: string;
  write(value: unknown, out: BinaryWriter): void;
  read(input: BinaryReader): unknown;
  copy(value: unknown): unknown;
  equals(left: unknown, right: unknown): boolean;
  is(value: unknown): boolean;
}

/** @internal */
export function compileType(schema: Schema): CompiledType {
  const codec = new LearnedCodec();
  const runtime = {
    codec,
    copyValue,
    equalsBytes,
    equalsValue,
    hasOwn: Object.hasOwn,
    isAny: (value: unknown) => findProblem({ kind: "any" }, value, "") === undefined,
    isArray: Array.isArray,
    isJson: (value: unknown) => findProblem({ kind: "json" }, value, "") === undefined,
    isPlainObject,
    isSafeInteger: Number.isSafeInteger,
    pairsUp,
    readBigint,
    readFlag,
    readIndex,
    readInt32,
    readJson: (input: BinaryReader) => readJson(input, codec),
    readTimestamp,
    refuse: (value: unknown) => throwUnserializable(schema, value),
    writeBigint,
  };
  const source = typeSource(schema);
  const make = new Function(...Object.keys(runtime), source);
  // The source returns exactly these five functions.
  return { ...(make(...Object.values(runtime)) as Omit<CompiledType, "source">), source };
}

function readFlag(input: BinaryReader): boolean {
  const flag = input.u8();
  if (flag > 1) input.corrupt(`the flag ${flag}`, "0 or 1", input.position - 1);
  return flag === 1;
}

function readIndex(input: BinaryReader, count: number): number {
  const at = input.position;
  const index = input.varint();
  if (index >= count) input.corrupt(`the index ${index}`, `less than ${count}`, at);
  return index;
}

function readInt32(input: BinaryReader): number {
  const at = input.position;
  const value = input.zigzag();
  if ((value | 0) !== value) input.corrupt(`the integer ${value}`, "an int32", at);
  return value;
}

function readTimestamp(input: BinaryReader): number {
  const at = input.position;
  const value = input.f64();
  if (!Number.isSafeInteger(value)) input.corrupt(`the timestamp ${value}`, "a safe integer", at);
  return value;
}

function readJson(input: BinaryReader, codec: LearnedCodec): unknown {
  const at = input.position;
  const value = codec.read(input, 0);
  const problem = findProblem({ kind: "json" }, value, "");
  if (problem !== undefined) input.corrupt(problem.found, problem.expected, at);
  return value;
}

function equalsBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

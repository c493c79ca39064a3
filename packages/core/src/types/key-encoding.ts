/**
 * Keys: their canonical bytes, their hash, the key group and subtask they belong to. State files hold these bytes and
 * the hash decides who owns a key, so neither may ever change for a version.
 *
 *     false, true   01 | 02
 *     int32         03  i32                     numbers without a fraction in [-2^31, 2^31); -0 is 0
 *     number        04  f64                     every other finite number
 *     bigint        05  varint, bytes           2 x length + negative; magnitude, lowest byte first, no leading zeros
 *     string        06  string                  as in BinaryWriter: varint 2 x length + isUtf8, bytes
 *     tuple         07  varint, items           arrays
 *     object        08  varint, (string, item)  fields in rising order of their names by UTF-16 unit
 *
 * - K1. Equal keys have equal bytes, different keys different bytes; `1`, `1n` and `"1"` are three keys.
 * - K2. `hashKey` is murmur3 of the canonical bytes; its fast paths give the same result.
 * - K3. The string that stands for a tuple or object in a Map is never equal to a string key.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { finishHash, MurmurStream, mixBlock, mixTail, murmur3 } from "./murmur.ts";
import { describeValue, isPlainObject, pathOf, setOwn } from "./plain-object.ts";

/** Written into every state container; rises when the bytes or the hash of any key change. @internal */
export const KEY_ENCODING_VERSION = 1;

const FALSE = 0x01;
const TRUE = 0x02;
const INT32 = 0x03;
const NUMBER = 0x04;
const BIGINT = 0x05;
const STRING = 0x06;
const TUPLE = 0x07;
const OBJECT = 0x08;

/** Tuples and objects may be nested this deep; a key that is deeper is a cycle or a mistake. */
const KEY_DEPTH_MAX = 16;
/** Below this the header of an ASCII string is one byte. */
const SHORT_STRING_MAX = 63;
/**
 * K3. Two low surrogates: no well-formed text begins like that, and a string key that does is refused.
 */
const COMPOSITE_MARK = "\udc00\udc00";
const LOW_SURROGATE_FIRST = 0xdc00;

/** What stands for a key in a Map. @internal */
export type MapKey = string | number | bigint | boolean;

/** Writes the canonical bytes. @throws MillraceError `MR_KEY_INVALID` @internal */
export function encodeKey(key: unknown, out: BinaryWriter): void {
  writeKey(key, out, key, 0);
}

/** Reads one key; the fields of an object come in the canonical order. @throws MillraceError `MR_DATA_CORRUPT` @internal */
export function decodeKey(input: BinaryReader): unknown {
  return readKey(input, 0);
}

/** Refuses what cannot be a key. `owner` is named in the message. @throws MillraceError `MR_KEY_INVALID` @internal */
export function validateKey(key: unknown, owner?: { readonly operatorName: string; readonly uid: string }): void {
  if (typeof key === "string" ? key.charCodeAt(0) !== LOW_SURROGATE_FIRST : Number.isFinite(key)) return;
  const where = owner === undefined ? undefined : { operator: owner.operatorName, uid: owner.uid };
  encodeChecked(key, where);
}

/**
 * The 32-bit hash of a key, signed: murmur3 with seed 0 over the canonical bytes.
 *
 * @throws MillraceError `MR_KEY_INVALID`
 * @internal
 */
export function hashKey(key: unknown): number {
  if (typeof key === "number") {
    const int32 = key | 0;
    if (int32 === key) return finishHash(mixBlock(0, INT32 | (int32 << 8)) ^ mixTail(int32 >>> 24), 5);
  } else if (typeof key === "string" && key.length <= SHORT_STRING_MAX) {
    const length = key.length;
    let seen = 0;
    // The tag and the header are the first half of the first block.
    let block = STRING | (length << 9);
    let hash = 0;
    let shift = 16;
    for (let index = 0; index < length; index++) {
      const unit = key.charCodeAt(index);
      seen |= unit;
      block |= unit << shift;
      shift += 8;
      if (shift === 32) {
        hash = mixBlock(hash, block);
        block = 0;
        shift = 0;
      }
    }
    if (seen < 0x80) return finishHash(hash ^ mixTail(block), length + 2);
  }
  const stream = new MurmurStream();
  if (hashPart(key, stream, 0)) return stream.finish();
  const out = new BinaryWriter(64);
  encodeKey(key, out);
  return murmur3(out.buffer, out.position);
}

/**
 * A primitive that a Map tells apart exactly as keys are told apart: primitives stand for themselves (a Map takes -0
 * for 0), tuples and objects get a string. The string is for use in memory only and is never stored.
 *
 * @throws MillraceError `MR_KEY_INVALID` for a tuple or object that is no key; primitives are not checked
 * @internal
 */
export function mapKeyOf(key: unknown): MapKey {
  return typeof key === "object" ? COMPOSITE_MARK + textOf(key, key, 0) : (key as MapKey);
}

/** The key group of a key hash, from 0 to `maxParallelism - 1`, by Flink's formula. @internal */
export function keyGroup(hash: number, maxParallelism: number): number {
  const mixed = finishHash(mixBlock(0, hash), 4);
  // The smallest integer has no positive counterpart; Flink takes 0.
  if (mixed === -0x80000000) return 0;
  return (mixed < 0 ? -mixed : mixed) % maxParallelism;
}

/** The subtask that owns a key group. @internal */
export function subtaskForKeyGroup(group: number, maxParallelism: number, parallelism: number): number {
  return Math.floor((group * parallelism) / maxParallelism);
}

/** Key groups of one subtask, half-open. @internal */
export interface KeyGroupRange {
  readonly start: number;
  readonly end: number;
}

/** The key groups that {@link subtaskForKeyGroup} gives to a subtask. @internal */
export function keyGroupRange(maxParallelism: number, parallelism: number, subtaskIndex: number): KeyGroupRange {
  return {
    start: Math.ceil((subtaskIndex * maxParallelism) / parallelism),
    end: Math.ceil(((subtaskIndex + 1) * maxParallelism) / parallelism),
  };
}

/** @internal */
export const MAX_PARALLELISM_DEFAULT_MIN = 128;
/** The largest number of key groups an operator can have. @internal */
export const MAX_PARALLELISM_MAX = 32768;

/** The maxParallelism of an operator that sets none: a power of two with room to grow by half. @internal */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  let power = 1;
  while (power < wanted) power *= 2;
  return Math.min(Math.max(power, MAX_PARALLELISM_DEFAULT_MIN), MAX_PARALLELISM_MAX);
}

// The bits of a double. Not state: what is put in is taken out before anything else runs.
const double = new Float64Array(1);
const doubleHalves = new Int32Array(double.buffer);

/** Hashes the bytes of the usual keys without writing them; false for the others, whose bytes have to be written. */
function hashPart(key: unknown, stream: MurmurStream, depth: number): boolean {
  switch (typeof key) {
    case "string":
      stream.u8(STRING);
      return hashShortAscii(key, stream);
    case "number":
      return hashNumber(key, stream);
    case "boolean":
      stream.u8(key ? TRUE : FALSE);
      return true;
    case "object":
      return depth < KEY_DEPTH_MAX && hashComposite(key, stream, depth);
    default:
      return false;
  }
}

function hashShortAscii(text: string, stream: MurmurStream): boolean {
  const length = text.length;
  if (length > SHORT_STRING_MAX) return false;
  stream.u8(length * 2);
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return false;
    stream.u8(unit);
  }
  return true;
}

function hashNumber(key: number, stream: MurmurStream): boolean {
  const int32 = key | 0;
  if (int32 === key) {
    stream.u8(INT32);
    stream.i32(int32);
    return true;
  }
  if (!Number.isFinite(key)) return false;
  double[0] = key;
  stream.u8(NUMBER);
  stream.i32(doubleHalves[0]!);
  stream.i32(doubleHalves[1]!);
  return true;
}

function hashComposite(key: object | null, stream: MurmurStream, depth: number): boolean {
  if (Array.isArray(key)) {
    if (key.length >= 0x80) return false;
    stream.u8(TUPLE);
    stream.u8(key.length);
    for (let index = 0; index < key.length; index++) if (!hashPart(key[index], stream, depth + 1)) return false;
    return true;
  }
  if (!isPlainObject(key)) return false;
  const names = Object.keys(key).sort();
  if (names.length >= 0x80) return false;
  stream.u8(OBJECT);
  stream.u8(names.length);
  for (const name of names) {
    if (!hashShortAscii(name, stream) || !hashPart(key[name], stream, depth + 1)) return false;
  }
  return true;
}

function writeKey(key: unknown, out: BinaryWriter, root: unknown, depth: number): void {
  switch (typeof key) {
    case "string":
      if (key.charCodeAt(0) === LOW_SURROGATE_FIRST && key.startsWith(COMPOSITE_MARK)) throw refusal(root);
      out.u8(STRING);
      out.string(key);
      return;
    case "number":
      writeNumber(key, out, root);
      return;
    case "boolean":
      out.u8(key ? TRUE : FALSE);
      return;
    case "bigint":
      out.u8(BIGINT);
      writeBigint(key, out);
      return;
    default:
      writeComposite(key, out, root, depth);
  }
}

function writeNumber(key: number, out: BinaryWriter, root: unknown): void {
  const int32 = key | 0;
  if (int32 === key) {
    out.u8(INT32);
    out.i32(int32);
    return;
  }
  if (!Number.isFinite(key)) throw refusal(root);
  out.u8(NUMBER);
  out.f64(key);
}

function writeComposite(key: unknown, out: BinaryWriter, root: unknown, depth: number): void {
  if (depth >= KEY_DEPTH_MAX) throw refusal(root);
  if (Array.isArray(key)) {
    out.u8(TUPLE);
    out.varint(key.length);
    for (let index = 0; index < key.length; index++) writeKey(key[index], out, root, depth + 1);
    return;
  }
  if (!isPlainObject(key)) throw refusal(root);
  const names = Object.keys(key).sort();
  out.u8(OBJECT);
  out.varint(names.length);
  for (const name of names) {
    out.string(name);
    writeKey(key[name], out, root, depth + 1);
  }
}

/** The payload of a bigint: varint `2 x length + negative`, then the magnitude. Shared with the value codecs. @internal */
export function writeBigint(value: bigint, out: BinaryWriter): void {
  const isNegative = value < 0n;
  let hex = value === 0n ? "" : (isNegative ? -value : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  out.varint(hex.length + (isNegative ? 1 : 0));
  for (let at = hex.length - 2; at >= 0; at -= 2) out.u8(Number.parseInt(hex.slice(at, at + 2), 16));
}

/** @throws MillraceError `MR_DATA_CORRUPT` @internal */
export function readBigint(input: BinaryReader): bigint {
  const header = input.varint();
  const bytes = input.rawBytes(Math.floor(header / 2));
  if (bytes.length > 0 ? bytes[bytes.length - 1] === 0 : header === 1) {
    input.corrupt("a padded bigint", "the shortest form");
  }
  if (bytes.length === 0) return 0n;
  const hex: string[] = [];
  for (let at = bytes.length - 1; at >= 0; at--) hex.push(bytes[at]!.toString(16).padStart(2, "0"));
  const magnitude = BigInt(`0x${hex.join("")}`);
  return header % 2 === 1 ? -magnitude : magnitude;
}

function readKey(input: BinaryReader, depth: number): unknown {
  const at = input.position;
  const tag = input.u8();
  if (tag >= TUPLE && depth >= KEY_DEPTH_MAX) input.corrupt("a deeper key", `at most ${KEY_DEPTH_MAX} levels`, at);
  switch (tag) {
    case FALSE:
    case TRUE:
      return tag === TRUE;
    case INT32:
      return input.i32();
    case NUMBER:
      return readNumber(input, at);
    case BIGINT:
      return readBigint(input);
    case STRING:
      return input.string();
    case TUPLE: {
      const items: unknown[] = [];
      for (let left = input.count(); left > 0; left--) items.push(readKey(input, depth + 1));
      return items;
    }
    case OBJECT: {
      const fields: Record<string, unknown> = {};
      for (let left = input.count(2); left > 0; left--) setOwn(fields, input.string(), readKey(input, depth + 1));
      return fields;
    }
    default:
      return input.corrupt(`the key tag ${tag}`, `a tag from ${FALSE} to ${OBJECT}`, at);
  }
}

function readNumber(input: BinaryReader, at: number): number {
  const value = input.f64();
  if (!Number.isFinite(value) || (value | 0) === value) input.corrupt(`the number ${value}`, "a canonical key", at);
  return value;
}

/** Every part tells where it ends, so different keys cannot run into the same text. */
function textOf(key: unknown, root: unknown, depth: number): string {
  switch (typeof key) {
    case "string":
      return `s${key.length}:${key}`;
    case "number":
      if (!Number.isFinite(key)) throw refusal(root);
      return `n${key};`;
    case "boolean":
      return key ? "t" : "f";
    case "bigint":
      return `b${key};`;
    default:
  }
  if (depth >= KEY_DEPTH_MAX) throw refusal(root);
  if (Array.isArray(key)) {
    let text = "(";
    for (let index = 0; index < key.length; index++) text += textOf(key[index], root, depth + 1);
    return `${text})`;
  }
  if (!isPlainObject(key)) throw refusal(root);
  let text = "{";
  for (const name of Object.keys(key).sort()) text += `${name.length}:${name}${textOf(key[name], root, depth + 1)}`;
  return `${text}}`;
}

function encodeChecked(key: unknown, where: ErrorWhere | undefined): void {
  const problem = problemOf(key, "", 0);
  if (problem !== undefined) throw refusalOf(problem, where);
}

interface KeyProblem {
  readonly path: string;
  readonly found: string;
}

/** The first part of a key that cannot be in one. */
function problemOf(key: unknown, path: string, depth: number): KeyProblem | undefined {
  if (typeof key === "bigint" || typeof key === "boolean") return undefined;
  if (typeof key === "number") return Number.isFinite(key) ? undefined : { path, found: describeValue(key) };
  if (typeof key === "string") {
    return key.startsWith(COMPOSITE_MARK) ? { path, found: "a string that begins with two low surrogates" } : undefined;
  }
  if (depth >= KEY_DEPTH_MAX) return { path, found: `more than ${KEY_DEPTH_MAX} levels, or a cycle` };
  if (Array.isArray(key)) {
    for (let index = 0; index < key.length; index++) {
      const problem = problemOf(key[index], `${path}[${index}]`, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isPlainObject(key)) return { path, found: describeValue(key) };
  for (const name of Object.keys(key)) {
    const problem = problemOf(key[name], pathOf(path, name), depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function refusal(root: unknown): MillraceError {
  return refusalOf(problemOf(root, "", 0) ?? { path: "", found: "a key that changes while it is read" }, undefined);
}

function refusalOf(problem: KeyProblem, where: ErrorWhere | undefined): MillraceError {
  return new MillraceError("MR_KEY_INVALID", {
    what: "This value cannot be a key",
    ...(where === undefined ? {} : { where }),
    found: problem.path === "" ? problem.found : `${problem.found} at ${problem.path}`,
    expected: "a string, a finite number, a bigint, a boolean, or an array or plain object of them",
    todo: "Return such a value from the key selector, for example date.getTime() in place of a Date",
  });
}

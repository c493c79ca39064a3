/** Errors as bytes: with code, parts, stack and causes, so that a failure far away reads like one here. */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import type { ErrorMessage } from "../base/error-message.ts";

/** Longer texts are cut: a failure must not be larger than what it is about. */
const TEXT_UNITS_MAX = 16 * 1024;

/** An error and its causes; more are left out. */
const CHAIN_MAX = 9;

/** Two string headers or a header and a tag. */
const WHERE_ENTRY_BYTES_MIN = 3;

/** @internal */
export function writeError(error: ErrorMessage, out: BinaryWriter): void {
  const chain: ErrorMessage[] = [];
  for (let next: ErrorMessage | undefined = error; next !== undefined && chain.length < CHAIN_MAX; next = next.cause) {
    chain.push(next);
  }
  out.varint(chain.length);
  for (const { name, message, stack, coded } of chain) {
    writeText(name, out);
    writeText(message, out);
    writeOptional(stack, out);
    out.u8(coded === undefined ? 0 : 1);
    if (coded !== undefined) writeCoded(coded, out);
  }
}

/** @throws MillraceError `MR_DATA_CORRUPT` */
export function readError(input: BinaryReader): ErrorMessage {
  const at = input.position;
  const count = input.count();
  if (count === 0 || count > CHAIN_MAX) input.corrupt(`${count} errors`, `1 to ${CHAIN_MAX}`, at);
  const chain = Array.from({ length: count }, () => ({
    name: input.string(),
    message: input.string(),
    stack: readOptional(input),
    coded: input.u8() === 0 ? undefined : readCoded(input),
  }));
  let error: ErrorMessage | undefined;
  for (const link of chain.reverse()) error = { ...link, cause: error };
  return error ?? input.corrupt("no error", "one", at);
}

type Coded = NonNullable<ErrorMessage["coded"]>;

function writeCoded({ code, what, where, found, expected, todo }: Coded, out: BinaryWriter): void {
  writeText(code, out);
  writeText(what, out);
  const places = Object.entries(where);
  out.varint(places.length);
  for (const [name, value] of places) {
    writeText(name, out);
    out.u8(typeof value === "number" ? 1 : 0);
    if (typeof value === "number") out.f64(value);
    else writeText(value, out);
  }
  writeOptional(found, out);
  writeOptional(expected, out);
  writeText(todo, out);
}

function readCoded(input: BinaryReader): Coded {
  const at = input.position;
  const code = input.string();
  if (!isCode(code)) return input.corrupt("a code that is none", "MR_ and capitals", at);
  const what = input.string();
  const places: [name: string, value: string | number][] = [];
  for (let left = input.count(WHERE_ENTRY_BYTES_MIN); left > 0; left--) {
    const name = input.string();
    places.push([name, input.u8() === 1 ? input.f64() : input.string()]);
  }
  // Entries, not assignments: a place called __proto__ is a place.
  const where = Object.fromEntries(places);
  return { code, what, where, found: readOptional(input), expected: readOptional(input), todo: input.string() };
}

function isCode(text: string): text is `MR_${string}` {
  return /^MR_[A-Z0-9_]+$/.test(text);
}

function writeText(text: string, out: BinaryWriter): void {
  out.string(text.length > TEXT_UNITS_MAX ? `${text.slice(0, TEXT_UNITS_MAX)}…` : text);
}

function writeOptional(text: string | undefined, out: BinaryWriter): void {
  out.u8(text === undefined ? 0 : 1);
  if (text !== undefined) writeText(text, out);
}

function readOptional(input: BinaryReader): string | undefined {
  return input.u8() === 0 ? undefined : input.string();
}

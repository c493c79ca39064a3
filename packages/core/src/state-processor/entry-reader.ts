/** Reads the values of keyed state by what the snapshot says of them: kind and schema. The job's types are not needed. */
import type { BinaryReader } from "../base/binary-reader.ts";
import { MillraceError } from "../base/errors.ts";
import { readTimers, TIMERS_SECTION } from "../state/keyed-snapshot-format.ts";
import { isStamped } from "../state/state-codecs.ts";
import { compileType } from "../types/compiled-type.ts";
import { describeSchema } from "../types/schema.ts";
import type { Schema } from "../types/type.ts";
import type { EntryReader, StateEntry, StateOwner } from "./state-entry.ts";
import { windowEntries } from "./window-entries.ts";

/** What a snapshot says of a keyed state. */
export interface KeyedHeader {
  readonly name: string;
  readonly kind: string;
  readonly schema: Schema;
  /** Whether the operator has windows: then states with certain names are those of windows. */
  readonly isWindowed: boolean;
}

type Read = (input: BinaryReader) => unknown;
type Parts = (input: BinaryReader) => Iterable<Omit<StateEntry, "key">>;

/** What the states of windows' functions and of triggers are called (operators/window). */
const OF_WINDOWS = /^_(?:window|trigger)\./;

/** @throws MillraceError `MR_STATE_NOT_READABLE` for a kind that this release does not know */
export function entryReader(header: KeyedHeader, owner: StateOwner): EntryReader {
  if (header.name === TIMERS_SECTION.name) return timerEntries;
  if (header.kind === "windows") return windowEntries(compileType(header.schema).read, owner);
  const parts = partsOf(header, owner);
  const isOfWindows = header.isWindowed && OF_WINDOWS.test(header.name);
  return isOfWindows ? (input, key) => perWindow(input, key, parts) : (input, key) => ofKey(input, key, parts);
}

function* ofKey(input: BinaryReader, key: unknown, parts: Parts): Iterable<StateEntry> {
  for (const part of parts(input)) yield { key, ...part };
}

function* perWindow(input: BinaryReader, key: unknown, parts: Parts): Iterable<StateEntry> {
  const count = input.varint();
  for (let index = 0; index < count; index++) {
    const windowNumber = input.varint();
    for (const part of parts(input)) yield { key, windowNumber, ...part };
  }
}

function partsOf({ kind, schema }: KeyedHeader, owner: StateOwner): Parts {
  const element = (of: Schema): Parts => elementReader(of, isStamped(kind));
  switch (kind) {
    case "value":
    case "ttl-value":
      return element(schema);
    case "list":
    case "ttl-list":
      // The buffers of joins declare their elements, other lists themselves.
      return listReader(schema.kind === "array" ? schema.item : schema, isStamped(kind));
    case "map":
    case "ttl-map":
      if (schema.kind === "map") return mapReader(compileType(schema.key).read, element(schema.value));
      break;
    default:
  }
  throw new MillraceError("MR_STATE_NOT_READABLE", {
    what: "This state cannot be read without the job that wrote it",
    where: owner,
    found: `a state of kind ${JSON.stringify(kind)} with values of ${describeSchema(schema)}`,
    expected: "value, list, map, windows or timers",
    todo: "Read it with the release that wrote it, or a later one",
  });
}

function elementReader(schema: Schema, isTimed: boolean): Parts {
  const { read } = compileType(schema);
  if (!isTimed) return (input) => [{ value: read(input) }];
  return (input) => [{ value: read(input), lastAccessMs: input.f64() }];
}

/** A list is one value; each of its elements may have a time. */
function listReader(schema: Schema, isTimed: boolean): Parts {
  const { read } = compileType(schema);
  return (input) => {
    const value: unknown[] = [];
    const lastAccessMs: number[] = [];
    for (let left = input.varint(); left > 0; left--) {
      value.push(read(input));
      if (isTimed) lastAccessMs.push(input.f64());
    }
    return [isTimed ? { value, lastAccessMs } : { value }];
  };
}

function mapReader(readKey: Read, readValue: Parts): Parts {
  return function* entriesOf(input): Iterable<Omit<StateEntry, "key">> {
    for (let left = input.varint(); left > 0; left--) {
      const mapKey = readKey(input);
      for (const part of readValue(input)) yield { mapKey, ...part };
    }
  };
}

function* timerEntries(input: BinaryReader, key: unknown): Iterable<StateEntry> {
  for (const { domain, timeMs } of readTimers(input)) yield { key, timer: domain, timeMs };
}

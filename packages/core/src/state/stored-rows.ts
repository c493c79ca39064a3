/** Rows of large values that were written under another declaration, or that are wanted as a whole. */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { decodeKey } from "../types/key-encoding.ts";
import { FamilyScan } from "./family-scan.ts";
import type { KeyedSection } from "./keyed-snapshot-format.ts";
import { rowNumber, rowsWith } from "./paged-list.ts";
import { type RowStore, rowsOf, type StoredRow } from "./row-family.ts";
import type { ListParts, MapParts, SlotCodec } from "./slot-codec.ts";
import { isStamped } from "./state-codecs.ts";
import { rowsFamilyName } from "./stored-families.ts";
import { GROUP_BYTES } from "./stored-keys.ts";

type Form = Pick<KeyedSection, "kind" | "schema">;
type Where = Readonly<Record<string, string>>;

interface RowReaders {
  readonly readKey: (input: BinaryReader) => unknown;
  readonly readValue: (input: BinaryReader) => unknown;
}

/** How rows that were written in some form are read as those of a state; the form is known to be of the state's kind. */
function readersOf(parts: MapParts | ListParts, { kind, schema }: Form, where: Where): RowReaders {
  if (parts.kind === "map" && schema.kind === "map") {
    return {
      readKey: parts.readKeyWrittenAs(schema.key, where),
      readValue: parts.value.readWrittenAs(schema.value, where, isStamped(kind)),
    };
  }
  const item = schema.kind === "array" ? schema.item : schema;
  const { element } = parts as ListParts;
  return { readKey: () => undefined, readValue: element.readWrittenAs(item, where, isStamped(kind)) };
}

/** A map or a list from its rows, as it would be in memory. */
export function wholeOf(codec: SlotCodec, form: Form, where: Where, rows: Iterable<StoredRow>): unknown {
  const parts = codec.parts!;
  const { readKey, readValue } = readersOf(parts, form, where);
  const map = new Map<unknown, unknown>();
  const list: unknown[] = [];
  for (const { key, value } of rows) {
    const input = new BinaryReader(value);
    if (parts.kind === "map") map.set(readKey(new BinaryReader(key)), readValue(input));
    else for (let left = input.varint(); left > 0; left--) list.push(readValue(input));
  }
  return parts.kind === "map" ? map : list;
}

/** Writes all rows of a state again, as its codec would have written them. */
export function migrateRows(store: RowStore, codec: SlotCodec, form: Form, where: Where): void {
  const from = rowsFamilyIn(store.kv, { name: codec.name, schema: form.schema });
  if (from === undefined) return;
  const to = store.namedFamily(rowsFamilyName(codec)!);
  const parts = codec.parts!;
  const { readKey, readValue } = readersOf(parts, form, where);
  const keys = new BinaryWriter(256);
  const values = new BinaryWriter(1024);
  for (const { stored, prefixBytes, value } of storedRows(store.kv, from)) {
    keys.reset();
    values.reset();
    const input = new BinaryReader(value);
    if (parts.kind === "map") {
      keys.rawBytes(stored.subarray(0, prefixBytes));
      parts.key.write(readKey(new BinaryReader(stored, prefixBytes)), keys);
      parts.value.write(readValue(input), values);
    } else {
      keys.rawBytes(stored);
      const count = input.varint();
      values.varint(count);
      const elements = Array.from({ length: count }, () => readValue(input));
      for (const element of elements) parts.element.write(element, values);
    }
    store.putStored(to, keys.written(), values.written());
  }
  store.flush();
  if (from !== to) store.kv.deleteRange(from, new Uint8Array(0), Uint8Array.of(0xff, 0xff, 0xff));
}

/**
 * Writes a large value as it would be written as a whole. The rows are gone along twice: how many entries there are comes first.
 * Each row is a stream of its own; streams put one behind the other read as one (L2 of types/learned-codec.ts).
 */
export function copyRows(
  kv: SortedKv,
  family: number,
  prefix: Uint8Array,
  { schema }: Pick<SlotCodec, "schema">,
  out: BinaryWriter,
): void {
  const isList = schema.kind === "array";
  const input = new BinaryReader(new Uint8Array(0));
  let count = 0;
  for (const { value } of rowsOf(kv, family, prefix)) {
    input.reset(value);
    count += isList ? input.varint() : 1;
  }
  out.varint(count);
  for (const { key, value } of rowsOf(kv, family, prefix)) {
    input.reset(value);
    if (isList) input.varint();
    else out.rawBytes(key);
    out.rawBytes(value.subarray(input.position));
  }
}

/** Reads a map or a list that was written as a whole, an entry or an element at a time, into rows. Returns what its mark says. */
export function rowsFromWhole(
  input: BinaryReader,
  parts: MapParts | ListParts,
  put: (key: Uint8Array, value: Uint8Array) => void,
): number {
  const count = input.varint();
  if (parts.kind === "list") {
    let rowCount = 0;
    for (const row of rowsWith(elementsOf(input, parts, count), parts)) put(rowNumber(rowCount++), row);
    return rowCount;
  }
  const keys = new BinaryWriter(64);
  const values = new BinaryWriter(256);
  for (let left = count; left > 0; left--) {
    keys.reset();
    values.reset();
    parts.key.write(parts.key.read(input), keys);
    parts.value.write(parts.value.read(input), values);
    put(keys.written(), values.written());
  }
  return count;
}

function* elementsOf(input: BinaryReader, { element }: ListParts, count: number): Generator<unknown> {
  for (let left = count; left > 0; left--) yield element.read(input);
}

/** The family that the rows of a state are in; undefined when there is none. */
export function rowsFamilyIn(kv: SortedKv, state: Pick<SlotCodec, "name" | "schema">): number | undefined {
  const name = rowsFamilyName(state);
  const family = name === undefined ? -1 : kv.columnFamilies.indexOf(name);
  return family < 0 ? undefined : family;
}

/** All rows of a family, with the length of what they are rows of; the bytes are the caller's until the next one. */
function* storedRows(
  kv: SortedKv,
  family: number,
): Generator<{ readonly stored: Uint8Array; readonly prefixBytes: number; readonly value: Uint8Array }> {
  const scan = new FamilyScan(kv, family);
  while (scan.nextPage()) {
    const { cursor, page } = scan;
    while (cursor.next()) {
      const stored = page.subarray(cursor.keyStart, cursor.keyEnd);
      const input = new BinaryReader(stored, GROUP_BYTES);
      decodeKey(input);
      yield { stored, prefixBytes: input.position, value: page.subarray(cursor.valueStart, cursor.valueEnd) };
    }
  }
}

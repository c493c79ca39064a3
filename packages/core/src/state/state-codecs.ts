/** How the values of user functions' states are written, and read back after their declaration has changed. */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Schema, Serializer } from "../types/type.ts";
import type { ElementCodec, SlotCodec } from "./slot-codec.ts";

type Where = Readonly<Record<string, string>>;
type Read = (input: BinaryReader) => unknown;

/** A value with the time, in epoch ms, from which it lives: what a state with a time to live holds instead of the value. */
export interface StampedValue {
  readonly value: unknown;
  at: number;
}

export function plainElement(serializer: Serializer<unknown>): ElementCodec {
  return {
    isStamped: false,
    schema: serializer.schema,
    write: (value, out) => serializer.write(value, out),
    read: (input) => serializer.read(input),
    readWrittenAs: (schema, where, wasStamped) => {
      const migrating = migratingSerializer(schema, serializer, where);
      if (!wasStamped) return (input) => migrating.read(input);
      return (input) => {
        const value = migrating.read(input);
        input.f64();
        return value;
      };
    },
  };
}

/** @param nowMs - The time of values that were written without one. */
export function stampedElement(serializer: Serializer<unknown>, nowMs: () => number): ElementCodec {
  return {
    isStamped: true,
    schema: serializer.schema,
    write: (stamped, out) => {
      const { value, at } = stamped as StampedValue;
      serializer.write(value, out);
      out.f64(at);
    },
    read: (input): StampedValue => ({ value: serializer.read(input), at: input.f64() }),
    readWrittenAs: (schema, where, wasStamped) => {
      const migrating = migratingSerializer(schema, serializer, where);
      return (input): StampedValue => ({ value: migrating.read(input), at: wasStamped ? input.f64() : nowMs() });
    },
  };
}

/** Whether the values of a section of this kind were written with their times. */
export function isStamped(kind: string): boolean {
  return kind.startsWith("ttl-");
}

export function valueCodec(name: string, element: ElementCodec): SlotCodec {
  return {
    name,
    kind: element.isStamped ? "ttl-value" : "value",
    schema: element.schema,
    write: (value, out) => element.write(value, out),
    read: (input) => element.read(input),
    readWrittenAs: (schema, where, kind) => element.readWrittenAs(schema, where, isStamped(kind)),
  };
}

export function listCodec(name: string, element: ElementCodec): SlotCodec {
  return {
    name,
    kind: element.isStamped ? "ttl-list" : "list",
    schema: { kind: "array", item: element.schema },
    parts: { kind: "list", element },
    write: (value, out) => writeList(value as readonly unknown[], element, out),
    read: (input) => readList(input, (from) => element.read(from)),
    readWrittenAs: (schema, where, kind) => {
      if (schema.kind !== "array") throw kindChanged(schema, "array", where);
      const read = element.readWrittenAs(schema.item, where, isStamped(kind));
      return (input) => readList(input, read);
    },
  };
}

export function mapCodec(name: string, key: Serializer<unknown>, value: ElementCodec): SlotCodec {
  return {
    name,
    kind: value.isStamped ? "ttl-map" : "map",
    schema: { kind: "map", key: key.schema, value: value.schema },
    parts: {
      kind: "map",
      key,
      value,
      readKeyWrittenAs: (schema, where) => {
        const oldKey = migratingSerializer(schema, key, where);
        return (input) => oldKey.read(input);
      },
    },
    write: (entries, out) => writeMap(entries as Map<unknown, unknown>, key, value, out),
    read: (input) =>
      readMap(
        input,
        (from) => key.read(from),
        (from) => value.read(from),
      ),
    readWrittenAs: (schema, where, kind) => {
      if (schema.kind !== "map") throw kindChanged(schema, "map", where);
      const oldKey = migratingSerializer(schema.key, key, where);
      const readValue = value.readWrittenAs(schema.value, where, isStamped(kind));
      return (input) => readMap(input, (from) => oldKey.read(from), readValue);
    },
  };
}

type WritesValues = Pick<Serializer<unknown>, "write">;

function writeList(list: readonly unknown[], element: WritesValues, out: BinaryWriter): void {
  out.varint(list.length);
  for (const item of list) element.write(item, out);
}

function readList(input: BinaryReader, read: Read): unknown[] {
  const count = input.varint();
  const list: unknown[] = [];
  for (let index = 0; index < count; index++) list.push(read(input));
  return list;
}

function writeMap(entries: Map<unknown, unknown>, key: WritesValues, value: WritesValues, out: BinaryWriter): void {
  out.varint(entries.size);
  for (const [entryKey, entryValue] of entries) {
    key.write(entryKey, out);
    value.write(entryValue, out);
  }
}

function readMap(input: BinaryReader, readKey: Read, readValue: Read): Map<unknown, unknown> {
  const count = input.varint();
  const map = new Map<unknown, unknown>();
  for (let index = 0; index < count; index++) {
    const entryKey = readKey(input);
    map.set(entryKey, readValue(input));
  }
  return map;
}

/** A state that the checkpoint holds as another kind of state. */
export function kindChanged(found: Schema | { kind: string }, expected: string, where: Where): MillraceError {
  return new MillraceError("MR_STATE_SCHEMA_INCOMPATIBLE", {
    what: "A state was written as another kind of state",
    where,
    found: found.kind,
    expected,
    todo: "Give the new state another name, or restore with the old declaration",
  });
}

import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { InvariantViolation } from "../base/errors.ts";
import type { Schema, Serializer } from "../types/type.ts";

type Where = Readonly<Record<string, string>>;
type Read = (input: BinaryReader) => unknown;

/** How one value, element or map value is written: as it is, or with its time. */
export interface ElementCodec {
  readonly isStamped: boolean;
  readonly schema: Schema;
  write(value: unknown, out: BinaryWriter): void;
  read(input: BinaryReader): unknown;
  /** Reads what was written with another schema, or with or without times. */
  readWrittenAs(schema: Schema, where: Where, wasStamped: boolean): Read;
}

/** How the entries of a map are written one by one. */
export interface MapParts {
  readonly kind: "map";
  readonly key: Pick<Serializer<unknown>, "schema" | "write" | "read">;
  readonly value: ElementCodec;
  /** Reads keys that were written with another schema; throws when it cannot be done. */
  readKeyWrittenAs(schema: Schema, where: Where): Read;
}

/** How the elements of a list are written one by one. */
export interface ListParts {
  readonly kind: "list";
  readonly element: ElementCodec;
}

/** How the values of one state are written: what a snapshot knows of a slot. */
export interface SlotCodec {
  /** The state's name, unique within the operator. */
  readonly name: string;
  /** With `ttl-`: every value, element or entry is followed by the time it was last written or read, f64 epoch ms. */
  readonly kind: "value" | "list" | "map" | "windows" | "ttl-value" | "ttl-list" | "ttl-map";
  /** Of the value, the element, or a map's entries; without the times. */
  readonly schema: Schema;
  write(value: unknown, out: BinaryWriter): void;
  read(input: BinaryReader): unknown;
  /** Reads values that were written with another schema or kind; throws when it cannot be done. */
  readWrittenAs(schema: Schema, where: Where, kind: string): Read;
  /** What of a value a snapshot holds; undefined for nothing. Left out: all of it. Must not change the value. */
  readonly snapshotOf?: (value: unknown) => unknown;
  /** Of maps and lists: how a store writes large ones in pieces (paged-value.ts). */
  readonly parts?: MapParts | ListParts;
  /**
   * Called with every value, as it is read, that a restore brings into a store and not into memory: the operator notes when the
   * key's time comes (`StoredTimeIndex`). Not called when the store has its notes, too.
   */
  readonly onStored?: (key: unknown, value: unknown) => void;
  /** No state: what the slot holds is made again from the others. */
  readonly isTransient?: true;
}

/** Keeps a slot for what an operator has beside its states; no snapshot holds it. */
export function transientCodec(name: string): SlotCodec {
  const refuse = (): never => {
    throw new InvariantViolation(`${name} is in no snapshot`);
  };
  const codec = { name, kind: "value", schema: { kind: "any" }, isTransient: true } as const;
  return { ...codec, snapshotOf: () => undefined, write: refuse, read: refuse, readWrittenAs: refuse };
}

/** Whether a value's bytes may lean on those of values before it in the same stream (types/learned-codec.ts). */
export function isContextual(codec: Pick<SlotCodec, "schema">): boolean {
  return JSON.stringify(codec.schema).includes('"kind":"any"');
}

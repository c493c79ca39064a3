import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import type { Schema } from "../types/type.ts";

/** How the values of one state are written: what a snapshot knows of a slot. */
export interface SlotCodec {
  /** The state's name, unique within the operator. */
  readonly name: string;
  readonly kind: "value" | "list" | "map" | "windows";
  /** Of the value, the element, or a map's entries. */
  readonly schema: Schema;
  write(value: unknown, out: BinaryWriter): void;
  read(input: BinaryReader): unknown;
  /** Reads values that were written with another schema; throws when it cannot be done. */
  readWrittenAs(schema: Schema, where: Readonly<Record<string, string>>): (input: BinaryReader) => unknown;
}

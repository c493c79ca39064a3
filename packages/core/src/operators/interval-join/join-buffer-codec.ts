/**
 * The buffer of one side of one key as bytes: a list of pairs of timestamp and record, oldest first. Varint count, then
 * for each pair: timestamp f64, the record in its serializer's bytes.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import type { SlotCodec } from "../../state/slot-codec.ts";
import { migratingSerializer } from "../../types/schema-compatibility.ts";
import type { Serializer } from "../../types/type.ts";
import { JoinBuffer } from "./join-buffer.ts";

/** A buffer as it is read; the operator gives it its entry. */
export interface RestoredBuffer {
  readonly times: number[];
  readonly values: unknown[];
}

type Pair = readonly [timestampMs: number, value: unknown];

/** What the codec asks the operator. */
export interface JoinBufferUse {
  /** The position from which the buffer's records are to be written. */
  liveFrom(buffer: JoinBuffer): number;
  /** See SlotCodec; for buffers that have a record. */
  onStored(key: unknown, newestMs: number): void;
}

export function joinBufferCodec(name: string, record: Serializer<unknown>, use: JoinBufferUse): SlotCodec {
  const pair: Serializer<Pair> = {
    schema: { kind: "tuple", items: [{ kind: "timestamp" }, record.schema] },
    write: ([timestampMs, value], out) => {
      out.f64(timestampMs);
      record.write(value, out);
    },
    read: (input) => [input.f64(), record.read(input)],
  };
  return {
    name,
    kind: "list",
    schema: pair.schema,
    write: (buffer, out) => {
      if (buffer instanceof JoinBuffer) writeBuffer(buffer, use.liveFrom(buffer), record, out);
      else writeBuffer(buffer as RestoredBuffer, 0, record, out);
    },
    read: (input) => readBuffer(input, pair),
    readWrittenAs: (schema, where) => {
      const migrating = migratingSerializer(schema, pair, where);
      return (input) => readBuffer(input, migrating);
    },
    onStored: (key, buffer) => {
      const { times } = buffer as RestoredBuffer;
      if (times.length > 0) use.onStored(key, times.at(-1)!);
    },
  };
}

function writeBuffer(buffer: RestoredBuffer, from: number, record: Serializer<unknown>, out: BinaryWriter): void {
  const { times, values } = buffer;
  out.varint(times.length - from);
  for (let at = from; at < times.length; at++) {
    out.f64(times[at]!);
    record.write(values[at], out);
  }
}

function readBuffer(input: BinaryReader, pair: Serializer<Pair>): RestoredBuffer {
  const count = input.varint();
  const times: number[] = [];
  const values: unknown[] = [];
  for (let index = 0; index < count; index++) {
    const [timestampMs, value] = pair.read(input);
    times.push(timestampMs);
    values.push(value);
  }
  return { times, values };
}

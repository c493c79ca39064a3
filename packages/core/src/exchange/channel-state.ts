/**
 * What a checkpoint holds of the elements that are on their way between two subtasks: a container (types/container.ts) with
 * one section for each channel that had any.
 *
 *     name      the edge, `#`, the index of the producing subtask
 *     kind      "channel"
 *     schema    of the records
 *     payload   varint producing subtask, varint number of producing subtasks,
 *               varint consuming subtask, varint number of consuming subtasks, then for each element in order
 *               u8 0, f64 timestamp, the value in its serializer's bytes   a record
 *               u8 1, f64 timestamp                                        a watermark
 *
 * - Y1. Order is kept: an element stands behind those that were written to the channel before it.
 * - Y2. A section can be read alone: what its serializer learned about shapes is in it.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { type ContainerSection, decodeContainer, encodeContainer } from "../types/container.ts";
import { learnedType } from "../types/learned-type.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Serializer } from "../types/type.ts";

const RECORD = 0;
const WATERMARK = 1;

/** Between which subtasks a channel is. */
export interface ChannelPlace {
  /** See `graph/edge-keys.ts`. */
  readonly edge: string;
  readonly producer: number;
  readonly producerCount: number;
  readonly consumer: number;
  readonly consumerCount: number;
}

/** Writes the elements of one channel, at the moment they are shown: nobody has changed them yet. */
export class ChannelStateWriter {
  readonly #place: ChannelPlace;
  readonly #serializer: Serializer<unknown>;
  readonly #out: BinaryWriter = new BinaryWriter();
  #elements = 0;

  constructor(place: ChannelPlace, serializer: Serializer<unknown>) {
    this.#place = place;
    this.#serializer = serializer;
    const { producer, producerCount, consumer, consumerCount } = place;
    for (const number of [producer, producerCount, consumer, consumerCount]) this.#out.varint(number);
  }

  /** @throws MillraceError `MR_VALUE_UNSERIALIZABLE` */
  record(value: unknown, timestampMs: number): void {
    this.#elements++;
    this.#out.u8(RECORD);
    this.#out.f64(timestampMs);
    this.#serializer.write(value, this.#out);
  }

  watermark(timestampMs: number): void {
    this.#elements++;
    this.#out.u8(WATERMARK);
    this.#out.f64(timestampMs);
  }

  /** Undefined for a channel without elements. */
  finish(): ContainerSection | undefined {
    if (this.#elements === 0) return undefined;
    const { edge, producer } = this.#place;
    const { schema } = this.#serializer;
    return { name: `${edge}#${producer}`, kind: "channel", schema, bytes: this.#out.finish() };
  }
}

/** The state of the channels of one operator in one subtask. */
export interface EncodedChannels {
  readonly bytes: Uint8Array;
  /** The edges that have elements in it, without duplicates. */
  readonly edges: readonly string[];
}

/** Undefined when no channel had any elements. */
export function encodeChannels(channels: readonly ChannelStateWriter[]): EncodedChannels | undefined {
  const sections = channels.map((channel) => channel.finish()).filter((section) => section !== undefined);
  if (sections.length === 0) return undefined;
  return { bytes: encodeContainer(sections), edges: [...new Set(sections.map(({ name }) => edgeOf(name)))] };
}

/** The elements of one channel, to be read once. */
export class ChannelState {
  readonly place: ChannelPlace;
  readonly #section: ContainerSection;
  readonly #input: BinaryReader;

  constructor(section: ContainerSection) {
    this.#section = section;
    this.#input = new BinaryReader(section.bytes);
    this.place = {
      edge: edgeOf(section.name),
      producer: this.#input.varint(),
      producerCount: this.#input.varint(),
      consumer: this.#input.varint(),
      consumerCount: this.#input.varint(),
    };
  }

  /**
   * Hands over the elements in order.
   *
   * @param serializer - Of the records as the job has them now.
   * @throws MillraceError `MR_STATE_SCHEMA_INCOMPATIBLE`, `MR_DATA_CORRUPT`
   */
  read(
    serializer: Serializer<unknown>,
    onRecord: (value: unknown, timestampMs: number) => void,
    onWatermark: (timestampMs: number) => void,
  ): void {
    const input = this.#input;
    const { schema } = this.#section;
    // Values that nobody had declared are as they are: a type that was declared since changes nothing about them.
    const reader =
      schema.kind === "any"
        ? learnedType<unknown>().serializer
        : migratingSerializer(schema, serializer, { edge: this.place.edge });
    while (input.remaining > 0) {
      const at = input.position;
      const kind = input.u8();
      const timestampMs = input.f64();
      if (kind === RECORD) onRecord(reader.read(input), timestampMs);
      else if (kind === WATERMARK) onWatermark(timestampMs);
      else input.corrupt(`the element kind ${kind}`, "a record or a watermark", at);
    }
  }
}

/** @throws MillraceError `MR_DATA_CORRUPT` */
export function decodeChannels(bytes: Uint8Array): readonly ChannelState[] {
  return decodeContainer(bytes).map((section) => new ChannelState(section));
}

function edgeOf(name: string): string {
  return name.slice(0, name.lastIndexOf("#"));
}

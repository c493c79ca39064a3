/**
 * What two processes say on the connection between them, each message in a frame (`base/frame.ts`):
 *
 *     1 hello    u32 magic "MRDW", varint version, string address of the sender
 *     2 open     string job id, string session, varint deployment, varint count,
 *                and for each channel varints: number, edge, producer, consumer, bytes that may be sent
 *     3 close    varint count, varint number of each channel
 *     4 credit   varint count, and for each channel varints: number, bytes more that may be sent
 *     5 data     u32 number of the channel, the bytes
 *     6 alive    nothing
 *
 * docs/internals/exchange.md has a worked example.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { encodeFrame, FRAME_HEADER_BYTES, type Frame } from "../../base/frame.ts";
import { SEGMENT_BYTES } from "../ring.ts";
import type { WireChannel, WireDeployment } from "./wire-ends.ts";
import { wireViolation } from "./wire-errors.ts";

export const WIRE_VERSION = 1;
/** "MRDW": whoever speaks another protocol to this port is told so by name. */
const MAGIC = 0x5744524d;

export const HELLO = 1;
export const OPEN = 2;
export const CLOSE = 3;
export const CREDIT = 4;
export const DATA = 5;
export const ALIVE = 6;

/** Bytes of a channel in one frame at most: then it is another channel's turn. */
export const DATA_BYTES_MAX: number = SEGMENT_BYTES;
/** What stands before them in the payload. */
export const DATA_NUMBER_BYTES = 4;
/** Of them goes into one message; the rest into the next. */
export const CHANNELS_PER_MESSAGE_MAX = 500;
/** A larger payload is refused before anything is allocated for it. */
export const WIRE_PAYLOAD_BYTES_MAX: number = 64 * 1024;
/** Names above this are refused where they are given, so that every message fits. */
export const NAME_CHARS_MAX = 1000;

/** A channel that the sender of the message reads, under a number that it has given to no other one. */
export interface OpenedChannel {
  readonly number: number;
  readonly channel: WireChannel;
  readonly creditBytes: number;
}

export interface Credit {
  readonly number: number;
  readonly bytes: number;
}

export type WireMessage =
  | { readonly kind: "hello"; readonly address: string }
  | { readonly kind: "open"; readonly deployment: WireDeployment; readonly channels: readonly OpenedChannel[] }
  | { readonly kind: "close"; readonly numbers: readonly number[] }
  | { readonly kind: "credit"; readonly credits: readonly Credit[] }
  | { readonly kind: "data"; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: "alive" };

/** All but data, whose frames are made in place (`sending-ends.ts`). */
export type ControlMessage = Exclude<WireMessage, { kind: "data" }>;

/** The frame of a message. */
export function encodeWireMessage(message: ControlMessage): Uint8Array {
  const out = new BinaryWriter();
  switch (message.kind) {
    case "hello":
      out.u32(MAGIC);
      out.varint(WIRE_VERSION);
      out.string(message.address);
      return frame(HELLO, out);
    case "open":
      writeOpen(out, message.deployment, message.channels);
      return frame(OPEN, out);
    case "close":
      out.varint(message.numbers.length);
      for (const number of message.numbers) out.varint(number);
      return frame(CLOSE, out);
    case "credit":
      out.varint(message.credits.length);
      for (const { number, bytes } of message.credits) {
        out.varint(number);
        out.varint(bytes);
      }
      return frame(CREDIT, out);
    case "alive":
      return frame(ALIVE, out);
  }
}

function frame(type: number, payload: BinaryWriter): Uint8Array {
  return encodeFrame(type, payload.written(), WIRE_PAYLOAD_BYTES_MAX);
}

function writeOpen(out: BinaryWriter, deployment: WireDeployment, channels: readonly OpenedChannel[]): void {
  out.string(deployment.jobId);
  out.string(deployment.session);
  out.varint(deployment.deploymentNumber);
  out.varint(channels.length);
  for (const { number, channel, creditBytes } of channels) {
    out.varint(number);
    out.varint(channel.edge);
    out.varint(channel.producer);
    out.varint(channel.consumer);
    out.varint(creditBytes);
  }
}

/** How many bytes the frame of `bytes` bytes of a channel takes, beside the frame's own. */
export function dataPayloadBytes(bytes: number): number {
  return DATA_NUMBER_BYTES + bytes;
}

/** Where a channel's bytes begin in a frame that begins at `start`. */
export function dataStart(start: number): number {
  return start + FRAME_HEADER_BYTES + DATA_NUMBER_BYTES;
}

/**
 * The message in a frame. Data share the frame's memory.
 * @throws MillraceError `MR_DATA_CORRUPT`, `MR_WIRE_PROTOCOL`
 */
export function decodeWireMessage({ type, payload }: Frame): WireMessage {
  const reader = new BinaryReader(payload);
  const message = decode(type, reader);
  if (reader.remaining > 0) reader.corrupt(`${reader.remaining} bytes behind the message`, "its end");
  return message;
}

function decode(type: number, reader: BinaryReader): WireMessage {
  switch (type) {
    case DATA:
      return { kind: "data", number: reader.u32(), bytes: reader.rawBytes(reader.remaining) };
    case CREDIT:
      return {
        kind: "credit",
        credits: listOf(reader, 2, () => ({ number: reader.varint(), bytes: reader.varint() })),
      };
    case CLOSE:
      return { kind: "close", numbers: listOf(reader, 1, () => reader.varint()) };
    case OPEN:
      return readOpen(reader);
    case HELLO:
      return readHello(reader);
    case ALIVE:
      return { kind: "alive" };
    default:
      throw wireViolation(`a message of type ${type}`, `types ${HELLO} to ${ALIVE}`);
  }
}

function readHello(reader: BinaryReader): WireMessage {
  const magic = reader.u32();
  if (magic !== MAGIC) throw wireViolation(`a greeting of another protocol (${magic})`, "a Millrace data connection");
  const version = reader.varint();
  if (version !== WIRE_VERSION) {
    throw wireViolation(`version ${version} of the data protocol`, `version ${WIRE_VERSION}`);
  }
  return { kind: "hello", address: reader.string() };
}

function readOpen(reader: BinaryReader): WireMessage {
  const deployment = { jobId: reader.string(), session: reader.string(), deploymentNumber: reader.varint() };
  const channels = listOf(reader, 5, () => ({
    number: reader.varint(),
    channel: { edge: reader.varint(), producer: reader.varint(), consumer: reader.varint() },
    creditBytes: reader.varint(),
  }));
  return { kind: "open", deployment, channels };
}

/** A count is believed only as far as there are bytes for it. */
function listOf<T>(reader: BinaryReader, bytesEach: number, read: () => T): readonly T[] {
  const count = reader.count(bytesEach);
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(read());
  return items;
}

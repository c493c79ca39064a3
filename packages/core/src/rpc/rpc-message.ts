/**
 * What two processes of a cluster say to each other, and its bytes: the payloads of frames (`base/frame.ts`), one message
 * each. Numbers are varints, texts and errors as `BinaryWriter` writes them.
 *
 *     type         payload
 *     1 hello      version, name, instance id, epoch, u8 is leader
 *     2 call       epoch, call id, method, u32 fingerprint, sequence (0: not repeatable)
 *                    and if it is not 0: settled below, u8 is retry; then the request
 *     3 reply      epoch, call id, then the response
 *     4 failure    epoch, call id, error
 *     5 tell       epoch, method, u32 fingerprint, then the message
 *     6 beat       epoch
 *     7 goodbye    newest epoch that is known, u8 has error, error
 *
 * - W1. The version comes first in a hello, so that any version can name any other.
 * - W2. A message that is not exactly as above is refused as a whole: `MR_RPC_MESSAGE_INVALID`.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import type { ErrorMessage } from "../base/error-message.ts";
import { MillraceError, unreachable } from "../base/errors.ts";
import type { Frame } from "../base/frame.ts";
import { readError, writeError } from "./error-codec.ts";
import type { CallKey } from "./reply-cache.ts";

/** @internal */
export const RPC_PROTOCOL_VERSION = 1;

/** @internal */
export type RpcMessage =
  | {
      readonly kind: "hello";
      readonly name: string;
      readonly instanceId: string;
      readonly epoch: number;
      readonly isLeader: boolean;
    }
  | {
      readonly kind: "call";
      readonly epoch: number;
      readonly callId: number;
      readonly method: string;
      readonly fingerprint: number;
      readonly key: CallKey | undefined;
      readonly payload: Uint8Array;
    }
  | { readonly kind: "reply"; readonly epoch: number; readonly callId: number; readonly payload: Uint8Array }
  | { readonly kind: "failure"; readonly epoch: number; readonly callId: number; readonly error: ErrorMessage }
  | {
      readonly kind: "tell";
      readonly epoch: number;
      readonly method: string;
      readonly fingerprint: number;
      readonly payload: Uint8Array;
    }
  | { readonly kind: "beat"; readonly epoch: number }
  | { readonly kind: "goodbye"; readonly epoch: number; readonly error: ErrorMessage | undefined };

const TYPES: readonly RpcMessage["kind"][] = ["hello", "call", "reply", "failure", "tell", "beat", "goodbye"];

/** @internal */
export function encodeMessage(message: RpcMessage): Frame {
  const out = new BinaryWriter();
  writeMessage(message, out);
  return { type: TYPES.indexOf(message.kind) + 1, payload: out.written() };
}

function writeMessage(message: RpcMessage, out: BinaryWriter): void {
  switch (message.kind) {
    case "hello":
      out.varint(RPC_PROTOCOL_VERSION);
      out.string(message.name);
      out.string(message.instanceId);
      out.varint(message.epoch);
      out.u8(message.isLeader ? 1 : 0);
      return;
    case "call":
      out.varint(message.epoch);
      out.varint(message.callId);
      out.string(message.method);
      out.u32(message.fingerprint);
      out.varint(message.key?.sequence ?? 0);
      if (message.key !== undefined) {
        out.varint(message.key.settledBelow);
        out.u8(message.key.isRetry ? 1 : 0);
      }
      out.rawBytes(message.payload);
      return;
    case "reply":
      out.varint(message.epoch);
      out.varint(message.callId);
      out.rawBytes(message.payload);
      return;
    case "failure":
      out.varint(message.epoch);
      out.varint(message.callId);
      writeError(message.error, out);
      return;
    case "tell":
      out.varint(message.epoch);
      out.string(message.method);
      out.u32(message.fingerprint);
      out.rawBytes(message.payload);
      return;
    case "beat":
      out.varint(message.epoch);
      return;
    case "goodbye":
      out.varint(message.epoch);
      out.u8(message.error === undefined ? 0 : 1);
      if (message.error !== undefined) writeError(message.error, out);
      return;
    default:
      unreachable(message);
  }
}

/**
 * @throws MillraceError `MR_RPC_MESSAGE_INVALID`
 * @throws MillraceError `MR_PROTOCOL_VERSION_UNSUPPORTED` for a hello of another version
 * @internal
 */
export function decodeMessage({ type, payload }: Frame): RpcMessage {
  const kind = TYPES[type - 1];
  const input = new BinaryReader(payload);
  try {
    if (kind === undefined) return input.corrupt(`a message of type ${type}`, `1 to ${TYPES.length}`, 0);
    const message = readMessage(kind, input);
    if (input.remaining > 0) input.corrupt(`${input.remaining} more bytes`, "the end of the message");
    return message;
  } catch (error) {
    if (error instanceof MillraceError && error.code === "MR_DATA_CORRUPT") throw invalid(kind ?? "unknown", error);
    throw error;
  }
}

function readMessage(kind: RpcMessage["kind"], input: BinaryReader): RpcMessage {
  switch (kind) {
    case "hello":
      readVersion(input);
      return {
        kind,
        name: input.string(),
        instanceId: input.string(),
        epoch: input.varint(),
        isLeader: readFlag(input),
      };
    case "call":
      return {
        kind,
        epoch: input.varint(),
        callId: input.varint(),
        method: input.string(),
        fingerprint: input.u32(),
        key: readKey(input),
        payload: input.rawBytes(input.remaining),
      };
    case "reply":
      return { kind, epoch: input.varint(), callId: input.varint(), payload: input.rawBytes(input.remaining) };
    case "failure":
      return { kind, epoch: input.varint(), callId: input.varint(), error: readError(input) };
    case "tell":
      return {
        kind,
        epoch: input.varint(),
        method: input.string(),
        fingerprint: input.u32(),
        payload: input.rawBytes(input.remaining),
      };
    case "beat":
      return { kind, epoch: input.varint() };
    case "goodbye":
      return { kind, epoch: input.varint(), error: readFlag(input) ? readError(input) : undefined };
    default:
      return unreachable(kind);
  }
}

function readVersion(input: BinaryReader): void {
  const version = input.varint();
  if (version === RPC_PROTOCOL_VERSION) return;
  throw new MillraceError("MR_PROTOCOL_VERSION_UNSUPPORTED", {
    what: "The other process speaks another version of the cluster's protocol",
    found: `version ${version}`,
    expected: `version ${RPC_PROTOCOL_VERSION}`,
    todo: "Run the same version of Millrace in all processes of a cluster",
  });
}

function readKey(input: BinaryReader): CallKey | undefined {
  const sequence = input.varint();
  return sequence === 0 ? undefined : { sequence, settledBelow: input.varint(), isRetry: readFlag(input) };
}

function readFlag(input: BinaryReader): boolean {
  const flag = input.u8();
  if (flag > 1) input.corrupt(`the flag ${flag}`, "0 or 1", input.position - 1);
  return flag === 1;
}

function invalid(kind: string, cause: MillraceError): MillraceError {
  return new MillraceError("MR_RPC_MESSAGE_INVALID", {
    what: `A process of the cluster has sent a message of the kind ${kind} that is none`,
    where: cause.where,
    ...(cause.found === undefined ? {} : { found: cause.found }),
    ...(cause.expected === undefined ? {} : { expected: cause.expected }),
    todo: "Run the same version of Millrace in all processes of a cluster",
    cause,
  });
}

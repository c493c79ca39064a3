import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import type { Serializer, Type } from "../types/type.ts";

/** Something that can be asked of another process and is answered. @internal */
export interface RpcMethod<Request, Response> {
  readonly kind: "call";
  readonly name: string;
  /** Of name and types: the two sides must mean the same. */
  readonly fingerprint: number;
  readonly request: RpcCodec<Request>;
  readonly response: RpcCodec<Response>;
}

/** Something that another process is told and does not answer. @internal */
export interface RpcTell<Message> {
  readonly kind: "tell";
  readonly name: string;
  readonly fingerprint: number;
  readonly message: RpcCodec<Message>;
}

/** Bytes of a message's contents and back; both refuse what its type does not allow. @internal */
export interface RpcCodec<T> {
  /** @throws MillraceError `MR_VALUE_UNSERIALIZABLE` */
  encode(value: T): Uint8Array;
  /** @throws MillraceError `MR_RPC_MESSAGE_INVALID` */
  decode(bytes: Uint8Array): T;
}

/** @internal */
export interface RpcMethodSpec<Request, Response> {
  readonly request: Type<Request>;
  readonly response: Type<Response>;
  /** What the type cannot say: throws when a request makes no sense. Runs before the handler sees it. */
  readonly check?: (request: Request) => void;
}

/**
 * Defines a method. Both sides use the same definition; its types are validators and codecs at once.
 *
 * @example
 * const requestSlot = rpcMethod("requestSlot", {
 *   request: t.object({ jobId: t.string, slotIndex: t.int32 }),
 *   response: t.object({ allocationId: t.string }),
 * });
 * @internal
 */
export function rpcMethod<Request, Response>(
  name: string,
  { request, response, check }: RpcMethodSpec<Request, Response>,
): RpcMethod<Request, Response> {
  return {
    kind: "call",
    name,
    fingerprint: fingerprintOf(["call", name, request.schema, response.schema]),
    request: codecOf(`the request of ${name}`, request.serializer, check),
    response: codecOf(`the response of ${name}`, response.serializer),
  };
}

/** Defines what can be told. @internal */
export function rpcTell<Message>(
  name: string,
  message: Type<Message>,
  check?: (message: Message) => void,
): RpcTell<Message> {
  return {
    kind: "tell",
    name,
    fingerprint: fingerprintOf(["tell", name, message.schema]),
    message: codecOf(`the message ${name}`, message.serializer, check),
  };
}

function codecOf<T>(what: string, serializer: Serializer<T>, check?: (value: T) => void): RpcCodec<T> {
  return {
    encode: (value) => {
      const out = new BinaryWriter();
      serializer.write(value, out);
      return out.written();
    },
    decode: (bytes) => {
      const input = new BinaryReader(bytes);
      try {
        const value = serializer.read(input);
        if (input.remaining > 0) input.corrupt(`${input.remaining} more bytes`, "the end");
        check?.(value);
        return value;
      } catch (error) {
        throw new MillraceError("MR_RPC_MESSAGE_INVALID", {
          what: `A process of the cluster cannot use ${what}`,
          found: error instanceof Error ? error.message : String(error),
          todo: "Run the same version of Millrace in all processes of a cluster",
          cause: error,
        });
      }
    },
  };
}

function fingerprintOf(parts: readonly unknown[]): number {
  return crc32c(new TextEncoder().encode(JSON.stringify(parts)));
}

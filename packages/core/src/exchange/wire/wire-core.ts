/**
 * The protocol of one connection between two processes, which carries all channels between them. Pure: bytes in, bytes out,
 * rings on this side; no clock, no sockets.
 *
 * Each side opens the channels that it reads, under numbers of its own, once their rings are there, with as much credit as
 * they have room. The other side sends no byte of a channel before, and none without credit. So nothing has to wait outside
 * of the rings, whichever process is ready first, and data of an older attempt have no number to come in under.
 *
 * - V4. The first message of each side says who it is. Nothing else is heard before.
 * - V5. Whoever does not keep to the protocol is not understood any more: the connection is over.
 * - I11, V1 are in `receiving-ends.ts`, V2 and V3 in `sending-ends.ts`.
 */
import { unreachable } from "../../base/errors.ts";
import { FRAME_OVERHEAD_BYTES, FrameDecoder } from "../../base/frame.ts";
import { ReceivingEnds } from "./receiving-ends.ts";
import { SendingEnds } from "./sending-ends.ts";
import type { WireDeployment, WireEnd } from "./wire-ends.ts";
import { wireViolation } from "./wire-errors.ts";
import {
  type ControlMessage,
  dataPayloadBytes,
  decodeWireMessage,
  encodeWireMessage,
  NAME_CHARS_MAX,
  WIRE_PAYLOAD_BYTES_MAX,
  type WireMessage,
} from "./wire-message.ts";

/** Bytes that are made at a time; a frame may begin below. */
export const OUTPUT_BYTES: number = 128 * 1024;

export class WireCore {
  /** What the other side calls itself, once it has said so. */
  #peer: string | undefined;
  readonly #expectedPeer: string | undefined;
  readonly #frames: FrameDecoder = new FrameDecoder({ payloadBytesMax: WIRE_PAYLOAD_BYTES_MAX });
  readonly #receiving: ReceivingEnds = new ReceivingEnds();
  readonly #sending: SendingEnds = new SendingEnds();
  /** What is said next, besides what the ends have to say. */
  #next: ControlMessage[];

  /**
   * @param address - Of this process, as the others know it.
   * @param expectedPeer - Who was dialled; undefined when this side was.
   */
  constructor(address: string, expectedPeer: string | undefined) {
    this.#expectedPeer = expectedPeer;
    this.#next = [{ kind: "hello", address }];
  }

  get peer(): string | undefined {
    return this.#peer;
  }

  attach(deployment: WireDeployment, ends: readonly WireEnd[]): void {
    for (const end of ends) {
      if (end.direction === "in") this.#receiving.add(deployment, end);
      else this.#sending.add(deployment, end);
    }
  }

  /** From now on the deployment's rings are left alone. The other side is told to send no more. */
  detach(deployment: string): void {
    this.#receiving.remove(deployment);
    this.#sending.remove(deployment);
  }

  /** Whether bytes of the deployment have gone or come here, so that no other connection can take over from this one. */
  hasCarried(deployment: string): boolean {
    return this.#receiving.hasCarried(deployment) || this.#sending.hasCarried(deployment);
  }

  /** Shows the other side that this one lives. */
  giveSign(): void {
    this.#next.push({ kind: "alive" });
  }

  /**
   * Takes what has come, which belongs to the core from now on; returns whether there may be more to send because of it.
   * @throws MillraceError `MR_FRAME_CORRUPT`, `MR_FRAME_TOO_LARGE`, `MR_PROTOCOL_VERSION_UNSUPPORTED`, `MR_DATA_CORRUPT`,
   *   `MR_WIRE_PROTOCOL`; the connection is over then (V5)
   */
  receive(bytes: Uint8Array): boolean {
    let hasNews = false;
    this.#frames.push(bytes);
    for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
      const message = decodeWireMessage(frame);
      if (message.kind === "data" && this.#peer !== undefined) this.#receiving.onData(message.number, message.bytes);
      else if (this.#onMessage(message)) hasNews = true;
    }
    return hasNews;
  }

  /** The next bytes to send, all of which have to be sent; undefined when there are none now. */
  produce(): Uint8Array | undefined {
    const messages = this.#next;
    this.#next = [];
    this.#receiving.takeMessages(messages);
    const control = messages.map(encodeWireMessage);
    const planned = this.#sending.plan(OUTPUT_BYTES);
    if (control.length === 0 && planned.length === 0) return undefined;
    let length = 0;
    for (const bytes of control) length += bytes.length;
    for (const { bytes } of planned) length += dataPayloadBytes(bytes) + FRAME_OVERHEAD_BYTES;
    const output = new Uint8Array(length);
    let at = 0;
    for (const bytes of control) {
      output.set(bytes, at);
      at += bytes.length;
    }
    for (const data of planned) at = this.#sending.fill(data, output, at);
    return output;
  }

  #onMessage(message: WireMessage): boolean {
    if (message.kind === "hello") {
      this.#onHello(message.address);
      return true;
    }
    if (this.#peer === undefined) throw wireViolation(`a message of kind ${message.kind}`, "a greeting first");
    switch (message.kind) {
      case "open":
        this.#sending.onOpen(message.deployment, message.channels);
        return true;
      case "close":
        this.#sending.onClose(message.numbers);
        return false;
      case "credit":
        this.#sending.onCredit(message.credits);
        return true;
      case "data":
      case "alive":
        return false;
      default:
        return unreachable(message);
    }
  }

  #onHello(address: string): void {
    if (this.#peer !== undefined) throw wireViolation("a second greeting", "one");
    if (this.#expectedPeer !== undefined && address !== this.#expectedPeer) {
      throw wireViolation(`the process ${address}`, `${this.#expectedPeer}, which was dialled`);
    }
    if (address.length > NAME_CHARS_MAX) throw wireViolation(`an address of ${address.length} characters`, "host:port");
    this.#peer = address;
  }
}

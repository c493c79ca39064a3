/**
 * Reads along on every connection between the machines: nobody sends more records than there is room for (I11), and nothing
 * piles up on the way to somebody who does not take it (I15).
 */
import { type Delivery, decodeWireMessage, FrameDecoder, WIRE_PAYLOAD_BYTES_MAX } from "millrace/internal";
import { RPC_PORT } from "./cluster-machines.ts";
import type { World } from "./world.ts";

/** Far more than processes of such small jobs have to say to each other before a heartbeat's timeout ends the connection. */
const UNSENT_BYTES_MAX = 512 * 1024;

type End = Delivery["from"];

/** One end of a connection between TaskManagers. */
interface DataEnd {
  /** Of what it sends. */
  readonly decoder: FrameDecoder;
  /** By the number of a channel that it reads: bytes that the other end may still send. */
  readonly credits: Map<number, number>;
}

export class WireWatch {
  readonly #world: World;
  readonly #ends: WeakMap<End, DataEnd> = new WeakMap();

  constructor(world: World) {
    this.#world = world;
  }

  onDelivery({ from, to, bytes, waitingBytes }: Delivery): void {
    if (waitingBytes > UNSENT_BYTES_MAX) {
      this.#world.violated("I15", `${waitingBytes} bytes wait on the way from ${from.owner.host} to ${to.owner.host}`);
    }
    if (from.peer.port === RPC_PORT || to.peer.port === RPC_PORT) return;
    const [sender, receiver] = [this.#endOf(from), this.#endOf(to)];
    sender.decoder.push(bytes);
    for (let frame = sender.decoder.next(); frame !== undefined; frame = sender.decoder.next()) {
      const message = decodeWireMessage(frame);
      switch (message.kind) {
        case "open":
          for (const { number, creditBytes } of message.channels) sender.credits.set(number, creditBytes);
          break;
        case "credit":
          for (const each of message.credits) this.#add(sender, each.number, each.bytes);
          break;
        case "data":
          this.#add(receiver, message.number, -message.bytes.length);
          break;
        default:
          break;
      }
    }
  }

  #add(reader: DataEnd, number: number, bytes: number): void {
    const credit = (reader.credits.get(number) ?? 0) + bytes;
    reader.credits.set(number, credit);
    if (credit < 0) this.#world.violated("I11", `${-credit} bytes more are sent on channel ${number} than are allowed`);
  }

  #endOf(end: End): DataEnd {
    let known = this.#ends.get(end);
    if (known === undefined) {
      known = { decoder: new FrameDecoder({ payloadBytesMax: WIRE_PAYLOAD_BYTES_MAX }), credits: new Map() };
      this.#ends.set(end, known);
    }
    return known;
  }
}

/**
 * One connection's half of the protocol that reads: it opens channels for the other side to write to, says how much may be
 * sent on each, and takes what comes. Pure.
 *
 * - I11. What a channel's sender may still send is never more than its ring has room for, so whatever comes is taken at
 *   once and held nowhere else. Credit is bytes that were not announced before; it is never taken back.
 * - V1. A number stands for one channel of one deployment, and is never given again. Data for a number that was closed are
 *   dropped: they were on their way, or come from somebody who does not know yet that the attempt is over.
 */
import { invariant } from "../../base/errors.ts";
import { deploymentName, type InEnd, type WireDeployment } from "./wire-ends.ts";
import { wireViolation } from "./wire-errors.ts";
import { CHANNELS_PER_MESSAGE_MAX, type ControlMessage, type Credit, type OpenedChannel } from "./wire-message.ts";

/** Room is announced when it is this part of the ring: often enough that the sender never waits for a ring that empties. */
const ANNOUNCED_PART = 4;

interface Receiving {
  readonly number: number;
  readonly deployment: WireDeployment;
  /** The deployment's name. */
  readonly of: string;
  readonly end: InEnd;
  /** Announced and not used. */
  creditBytes: number;
  receivedBytes: number;
}

export class ReceivingEnds {
  /** Those that the other side was told of. */
  readonly #opened = new Map<number, Receiving>();
  /** Those that it will be told of. */
  readonly #opening = new Map<number, Receiving>();
  #closing: number[] = [];
  #nextNumber = 1;

  add(deployment: WireDeployment, end: InEnd): void {
    const number = this.#nextNumber++;
    this.#opening.set(number, {
      number,
      deployment,
      of: deploymentName(deployment),
      end,
      creditBytes: 0,
      receivedBytes: 0,
    });
  }

  /** From now on nothing is put into the deployment's rings. */
  remove(deployment: string): void {
    for (const [number, { of }] of this.#opening) {
      if (of === deployment) this.#opening.delete(number);
    }
    for (const [number, { of }] of this.#opened) {
      if (of !== deployment) continue;
      this.#opened.delete(number);
      this.#closing.push(number);
    }
  }

  /** Whether anything has come for the deployment. */
  hasCarried(deployment: string): boolean {
    return [...this.#opened.values()].some((each) => each.receivedBytes > 0 && each.of === deployment);
  }

  /** @throws MillraceError `MR_WIRE_PROTOCOL` */
  onData(number: number, bytes: Uint8Array): void {
    const receiving = this.#opened.get(number);
    if (receiving === undefined) {
      if (number >= 1 && number < this.#nextNumber && !this.#opening.has(number)) return;
      throw wireViolation(`data for channel ${number}`, "a number that was given to a channel");
    }
    const { end, creditBytes } = receiving;
    if (bytes.length > creditBytes || bytes.length === 0) {
      throw wireViolation(
        `${bytes.length} bytes on channel ${number}`,
        `1 to ${creditBytes} bytes, which it has credit for`,
      );
    }
    const taken = end.sink.write(bytes, 0, bytes.length);
    invariant(taken === bytes.length, `a ring took ${taken} of ${bytes.length} bytes that it had announced room for`);
    receiving.creditBytes = creditBytes - bytes.length;
    receiving.receivedBytes += bytes.length;
    end.onMoved();
  }

  /** What the other side has to be told now; told once. */
  takeMessages(into: ControlMessage[]): void {
    for (const numbers of chunks(this.#closing)) into.push({ kind: "close", numbers });
    this.#closing = [];
    // Before the channels that open now, whose credit is in the message that opens them.
    if (this.#opened.size > 0)
      for (const credits of chunks(this.#takeCredits())) into.push({ kind: "credit", credits });
    if (this.#opening.size > 0) this.#open(into);
  }

  #open(into: ControlMessage[]): void {
    const byDeployment = new Map<string, Receiving[]>();
    for (const receiving of this.#opening.values()) {
      const known = byDeployment.get(receiving.of);
      if (known === undefined) byDeployment.set(receiving.of, [receiving]);
      else known.push(receiving);
      this.#opened.set(receiving.number, receiving);
    }
    this.#opening.clear();
    for (const all of byDeployment.values()) {
      for (const some of chunks(all)) {
        const channels = some.map((each): OpenedChannel => {
          each.creditBytes = roomOf(each);
          return { number: each.number, channel: each.end.channel, creditBytes: each.creditBytes };
        });
        into.push({ kind: "open", deployment: some[0]!.deployment, channels });
      }
    }
  }

  #takeCredits(): Credit[] {
    const credits: Credit[] = [];
    for (const receiving of this.#opened.values()) {
      const bytes = roomOf(receiving);
      if (bytes * ANNOUNCED_PART < receiving.end.sink.capacity) continue;
      receiving.creditBytes += bytes;
      credits.push({ number: receiving.number, bytes });
    }
    return credits;
  }
}

/** Room that nobody was told of. */
function roomOf({ number, end, creditBytes }: Receiving): number {
  const room = end.sink.capacity - end.sink.usedBytes - creditBytes;
  invariant(room >= 0, `I11: channel ${number} has announced ${creditBytes} bytes and has less room than that`);
  return room;
}

function chunks<T>(items: readonly T[]): readonly T[][] {
  const made: T[][] = [];
  for (let at = 0; at < items.length; at += CHANNELS_PER_MESSAGE_MAX)
    made.push(items.slice(at, at + CHANNELS_PER_MESSAGE_MAX));
  return made;
}

/**
 * One connection's half of the protocol that writes: it knows which channels the other side has opened, how much may be sent
 * on each, and whose turn it is. Pure.
 *
 * - V2. Bytes of a channel are sent in the order of its ring, each once, and only to an end of the same deployment.
 * - V3. Channels take turns: one that has bytes and credit waits for no more than one frame of each other one, and one that
 *   has no credit holds nobody up.
 */
import { sealFrame } from "../../base/frame.ts";
import { deploymentName, type OutEnd, type WireDeployment, wireChannelName } from "./wire-ends.ts";
import { wireViolation } from "./wire-errors.ts";
import { type Credit, DATA, DATA_BYTES_MAX, dataPayloadBytes, dataStart, type OpenedChannel } from "./wire-message.ts";

/** More than any ring has; a channel with more is a mistake of the other side. */
const CREDIT_BYTES_MAX = 2 ** 31;

/** Channels that one side may have open. What is opened before its other end is there has to be remembered. */
export const OPEN_CHANNELS_MAX = 200_000;

/** A channel that the other side reads. */
interface Opened {
  readonly number: number;
  readonly name: string;
  creditBytes: number;
  /** Undefined until the channel's other end is here, and when it is gone. */
  other: Sending | undefined;
  /** Of the credit, what the frames that are being made will take. */
  plannedBytes: number;
}

interface Sending {
  readonly deployment: string;
  readonly end: OutEnd;
  hasCarried: boolean;
}

/** Bytes of one channel for one frame. */
export interface PlannedData {
  readonly opened: Opened;
  readonly bytes: number;
}

export class SendingEnds {
  /** All ends of this side, by name. */
  readonly #ends = new Map<string, Sending>();
  readonly #byNumber = new Map<number, Opened>();
  readonly #byName = new Map<string, Opened>();
  /** Those with an end here, in the order of their turns. */
  #ready: Opened[] = [];
  #turn = 0;
  #lastNumber = 0;

  add(deployment: WireDeployment, end: OutEnd): void {
    const of = deploymentName(deployment);
    const name = nameOf(of, end.channel);
    const sending = { deployment: of, end, hasCarried: false };
    this.#ends.set(name, sending);
    const opened = this.#byName.get(name);
    if (opened !== undefined) this.#bind(opened, sending);
  }

  /** From now on nothing is taken from the deployment's rings. */
  remove(deployment: string): void {
    for (const [name, sending] of this.#ends) {
      if (sending.deployment !== deployment) continue;
      this.#ends.delete(name);
      const opened = this.#byName.get(name);
      if (opened !== undefined) opened.other = undefined;
    }
    this.#dropUnbound();
  }

  hasCarried(deployment: string): boolean {
    return [...this.#ends.values()].some((each) => each.hasCarried && each.deployment === deployment);
  }

  /** @throws MillraceError `MR_WIRE_PROTOCOL` */
  onOpen(deployment: WireDeployment, channels: readonly OpenedChannel[]): void {
    const of = deploymentName(deployment);
    for (const { number, channel, creditBytes } of channels) {
      const name = nameOf(of, channel);
      if (number <= this.#lastNumber || number >= 2 ** 32) {
        throw wireViolation(`number ${number} for channel ${name}`, `a number above ${this.#lastNumber}`);
      }
      if (this.#byName.has(name)) throw wireViolation(`channel ${name} twice`, "each channel once");
      if (this.#byNumber.size >= OPEN_CHANNELS_MAX) {
        throw wireViolation(`more than ${OPEN_CHANNELS_MAX} channels`, `at most ${OPEN_CHANNELS_MAX}`);
      }
      this.#lastNumber = number;
      const opened: Opened = { number, name, creditBytes: 0, other: undefined, plannedBytes: 0 };
      addCredit(opened, creditBytes);
      this.#byNumber.set(number, opened);
      this.#byName.set(name, opened);
      const sending = this.#ends.get(name);
      if (sending !== undefined) this.#bind(opened, sending);
    }
  }

  /** @throws MillraceError `MR_WIRE_PROTOCOL` */
  onClose(numbers: readonly number[]): void {
    for (const number of numbers) {
      const opened = this.#known(number);
      this.#byNumber.delete(number);
      this.#byName.delete(opened.name);
      opened.other = undefined;
    }
    this.#dropUnbound();
  }

  /** @throws MillraceError `MR_WIRE_PROTOCOL` */
  onCredit(credits: readonly Credit[]): void {
    for (const { number, bytes } of credits) addCredit(this.#known(number), bytes);
  }

  /**
   * Whose turn it is, and for how much, until `bytesMax` are reached. Every one of them has to be sent, in this
   * order, by {@link SendingEnds.fill}.
   */
  plan(bytesMax: number): readonly PlannedData[] {
    const planned: PlannedData[] = [];
    const ready = this.#ready;
    let total = 0;
    let passed = 0;
    while (passed < ready.length && total < bytesMax) {
      const opened = ready[this.#turn]!;
      this.#turn = (this.#turn + 1) % ready.length;
      const bytes = sendableBytes(opened);
      if (bytes === 0) {
        passed++;
        continue;
      }
      passed = 0;
      opened.plannedBytes += bytes;
      total += bytes;
      planned.push({ opened, bytes });
    }
    return planned;
  }

  /** Makes the frame of what was planned at `start` of `target`; returns where it ends. */
  fill({ opened, bytes }: PlannedData, target: Uint8Array, start: number): number {
    const { number } = opened;
    const sending = opened.other!;
    const { end } = sending;
    const at = dataStart(start);
    target[at - 4] = number;
    target[at - 3] = number >>> 8;
    target[at - 2] = number >>> 16;
    target[at - 1] = number >>> 24;
    // There are as many: only this side takes bytes out of the ring.
    end.source.read(target.subarray(0, at + bytes), at);
    opened.plannedBytes -= bytes;
    opened.creditBytes -= bytes;
    sending.hasCarried = true;
    end.onMoved();
    return sealFrame(target, start, DATA, dataPayloadBytes(bytes));
  }

  #known(number: number): Opened {
    const opened = this.#byNumber.get(number);
    if (opened === undefined) throw wireViolation(`channel ${number}`, "a channel that is open");
    return opened;
  }

  #bind(opened: Opened, sending: Sending): void {
    opened.other = sending;
    this.#ready.push(opened);
  }

  #dropUnbound(): void {
    this.#ready = this.#ready.filter(({ other }) => other !== undefined);
    this.#turn = this.#ready.length === 0 ? 0 : this.#turn % this.#ready.length;
  }
}

function nameOf(deployment: string, channel: OutEnd["channel"]): string {
  return `${deployment} ${wireChannelName(channel)}`;
}

function sendableBytes({ other, creditBytes, plannedBytes }: Opened): number {
  if (creditBytes === plannedBytes) return 0;
  return Math.min(other!.end.source.availableBytes - plannedBytes, creditBytes - plannedBytes, DATA_BYTES_MAX);
}

function addCredit(opened: Opened, bytes: number): void {
  if (opened.creditBytes + bytes > CREDIT_BYTES_MAX) {
    throw wireViolation(
      `credit for ${opened.creditBytes + bytes} bytes on channel ${opened.number}`,
      "what a ring holds",
    );
  }
  opened.creditBytes += bytes;
}

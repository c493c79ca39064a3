import type { SeededRandom } from "./seeded-random.ts";

/** How slow and how unreliable one direction between two hosts is. All shares are probabilities from 0 to 1. @internal */
export interface LinkConditions {
  /** Bytes arrive a seeded time in [first, second] ms after they were sent, but never before what was sent earlier. */
  readonly latencyMs: readonly [min: number, max: number];
  /** What one connection can carry. */
  readonly bytesPerMs: number;
  /** Share of the writes that arrive `stallMs` later, with all that follow them. */
  readonly stallShare: number;
  readonly stallMs: number;
  /** Share of the deliveries at which the connection is reset instead. */
  readonly resetShare: number;
  /** Share of the deliveries that are cut in two, with time for other things in between. */
  readonly cutShare: number;
  /** Share of the dials that are refused although somebody listens. */
  readonly refuseShare: number;
  /** Share of the dials whose request is lost; it is sent again after a second, as TCP does. */
  readonly loseDialShare: number;
}

/** A local network that is not equally fast every time. @internal */
export const HEALTHY_NETWORK: LinkConditions = {
  latencyMs: [0.05, 1],
  bytesPerMs: 125_000,
  stallShare: 0,
  stallMs: 200,
  resetShare: 0,
  cutShare: 0.1,
  refuseShare: 0,
  loseDialShare: 0,
};

/** What faults are done to. @internal */
export interface FaultyNetwork {
  /** Something may get through again. */
  unblocked(): void;
  resetConnections(a: string, b: string): void;
  forgetConnections(a: string, b: string): void;
}

/**
 * Everything that can go wrong between hosts, which are told apart by their names. What happens inside one host has no
 * faults. Conditions count from the next write or dial on; the other faults act at once.
 * @internal
 */
export class NetworkFaults {
  /** Of every direction that has none of its own. May be changed at any time. */
  conditions: LinkConditions;
  readonly #network: FaultyNetwork;
  readonly #ofLink: Map<string, LinkConditions> = new Map();
  readonly #blocked: Set<string> = new Set();

  constructor(network: FaultyNetwork, conditions: Partial<LinkConditions> = {}) {
    this.#network = network;
    this.conditions = { ...HEALTHY_NETWORK, ...conditions };
  }

  /** Gives the direction from one host to another conditions of its own: those of all, with parts replaced. */
  setLink(from: string, to: string, conditions: Partial<LinkConditions>): void {
    this.#ofLink.set(linkOf(from, to), { ...this.conditions, ...conditions });
  }

  conditionsOf(from: string, to: string): LinkConditions {
    return this.#ofLink.get(linkOf(from, to)) ?? this.conditions;
  }

  /** A one-way partition: what is sent waits, as TCP would send it again and again; resets and answers to dials are lost. */
  block(from: string, to: string): void {
    if (from !== to) this.#blocked.add(linkOf(from, to));
  }

  unblock(from: string, to: string): void {
    if (this.#blocked.delete(linkOf(from, to))) this.#network.unblocked();
  }

  /** A partition in both directions. */
  partition(a: string, b: string): void {
    this.block(a, b);
    this.block(b, a);
  }

  heal(a: string, b: string): void {
    this.unblock(a, b);
    this.unblock(b, a);
  }

  /** Ends all partitions and gives every direction the conditions of all. */
  healAll(): void {
    this.#blocked.clear();
    this.#ofLink.clear();
    this.#network.unblocked();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(linkOf(from, to));
  }

  /** Both ends of every connection between the hosts see ECONNRESET. What was under way is lost. */
  reset(a: string, b: string): void {
    this.#network.resetConnections(a, b);
  }

  /** The connections between the hosts carry nothing any more, and nobody is told: half-open, as after a NAT's restart. */
  forget(a: string, b: string): void {
    this.#network.forgetConnections(a, b);
  }
}

function linkOf(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** Inside one host: no latency to speak of, and no faults but that bytes are cut and joined. */
const LOOPBACK: LinkConditions = { ...HEALTHY_NETWORK, latencyMs: [0.005, 0.05], bytesPerMs: 2_000_000 };

/** Draws what happens on one direction of one connection, or to one dial. @internal */
export class LinkDice {
  readonly #random: SeededRandom;
  readonly #faults: NetworkFaults;
  readonly #from: string;
  readonly #to: string;

  constructor(random: SeededRandom, faults: NetworkFaults, from: string, to: string) {
    this.#random = random;
    this.#faults = faults;
    this.#from = from;
    this.#to = to;
  }

  latencyMs(): number {
    const [min, max] = this.#conditions.latencyMs;
    return min + this.#random.fraction() * (max - min);
  }

  transferMs(byteCount: number): number {
    return byteCount / this.#conditions.bytesPerMs;
  }

  /** 0 when the write is not held up. */
  stallMs(): number {
    const { stallShare, stallMs } = this.#conditions;
    return this.#random.fraction() < stallShare ? stallMs : 0;
  }

  isReset(): boolean {
    return this.#random.fraction() < this.#conditions.resetShare;
  }

  isDialRefused(): boolean {
    return this.#random.fraction() < this.#conditions.refuseShare;
  }

  isDialLost(): boolean {
    return this.#random.fraction() < this.#conditions.loseDialShare;
  }

  /** How much of `byteCount` bytes is delivered now. */
  cut(byteCount: number): number {
    const isCut = this.#random.fraction() < this.#conditions.cutShare;
    return isCut && byteCount > 1 ? 1 + this.#random.below(byteCount - 1) : byteCount;
  }

  /** An integer in [0, end). */
  below(end: number): number {
    return this.#random.below(end);
  }

  get #conditions(): LinkConditions {
    return this.#from === this.#to ? LOOPBACK : this.#faults.conditionsOf(this.#from, this.#to);
  }
}

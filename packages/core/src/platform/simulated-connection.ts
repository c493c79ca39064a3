import { crc32c } from "../base/crc32c.ts";
import { unreachable } from "../base/errors.ts";
import type { LinkDice } from "./network-faults.ts";
import type { Cancel } from "./platform.ts";
import type { DeathCause, SimulatedProcess } from "./simulated-process.ts";
import {
  CLOSE_GRACE_MS,
  type Connection,
  formatAddress,
  type NetworkAddress,
  NetworkError,
  WRITE_BUFFER_BYTES,
} from "./transport.ts";

/** As much as one read of a socket gives. */
const DELIVERY_BYTES_MAX = 64 * 1024;

/** What was held up by a partition or by a host that was down is sent again up to this long after the way is free. */
const RESEND_MS_MAX = 200;

/** One write, or the news that no more follows. */
type Segment = { readonly arrivesAtMs: number } & (
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "reset" }
);

/** What the two directions of a connection ask the network. @internal */
export interface SimulatedWire {
  canPass(from: string, to: string): boolean;
  isUp(host: string): boolean;
  delivers(delivery: Delivery): void;
}

/** Bytes that are about to be handed over. @internal */
export interface Delivery {
  readonly from: SimulatedConnection;
  readonly to: SimulatedConnection;
  readonly bytes: Uint8Array;
  /** What has been sent in this direction, and is still under way behind these bytes. */
  readonly waitingBytes: number;
}

/** Who holds one end of a connection. @internal */
export interface EndpointOwner {
  readonly process: SimulatedProcess;
  readonly host: string;
  readonly address: NetworkAddress;
  readonly peer: NetworkAddress;
  /** Of the direction that leaves here. */
  readonly dice: LinkDice;
}

/** Makes both ends of a connection; neither has listeners yet. @internal */
export function connectEndpoints(
  wire: SimulatedWire,
  client: EndpointOwner,
  server: EndpointOwner,
): readonly [client: SimulatedConnection, server: SimulatedConnection] {
  const ends = [new SimulatedConnection(client), new SimulatedConnection(server)] as const;
  const [near, far] = ends;
  near.join(far, new Direction(wire, near, far));
  far.join(near, new Direction(wire, far, near));
  return ends;
}

/**
 * One end of a simulated connection. Its process runs its listeners; what the kernel does for it goes on without: a
 * process that is paused still holds its connections, one that was killed has them ended for it, and after a loss of
 * power nobody says anything.
 * @internal
 */
export class SimulatedConnection implements Connection {
  readonly owner: EndpointOwner;
  readonly peer: NetworkAddress;
  #state: "open" | "closing" | "closed" = "open";
  #out: Direction | undefined;
  #far: SimulatedConnection | undefined;
  #onData: ((bytes: Uint8Array) => void) | undefined;
  #onDrain: () => void = () => {};
  #onClose: ((failure: NetworkError | undefined) => void) | undefined;
  #closed: { readonly failure: NetworkError | undefined } | undefined;
  #isPaused = false;
  #needsDrain = false;
  #cancelGrace: Cancel = () => {};
  #onGone: () => void = () => {};

  constructor(owner: EndpointOwner) {
    this.owner = owner;
    this.peer = owner.peer;
  }

  /** Called once, when both ends exist. */
  join(far: SimulatedConnection, out: Direction): void {
    this.#far = far;
    this.#out = out;
  }

  write(bytes: Uint8Array): boolean {
    const out = this.#out;
    if (this.#state !== "open" || out === undefined) return false;
    if (bytes.length > 0) out.send({ kind: "data", bytes });
    this.#needsDrain ||= out.waitingBytes >= WRITE_BUFFER_BYTES;
    return !this.#needsDrain;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#onData = listener;
    this.#far?.outgoing.wake();
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  onClose(listener: (failure: NetworkError | undefined) => void): void {
    this.#onClose = listener;
    const closed = this.#closed;
    if (closed === undefined) return;
    this.owner.process.schedule(0, `${this.label} closed`, () => this.#onClose?.(closed.failure));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#far?.outgoing.wake();
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.outgoing.send({ kind: "end" });
    this.#far?.outgoing.wake();
    this.#cancelGrace = this.owner.process.schedule(CLOSE_GRACE_MS, `${this.label} close grace`, () => {
      this.outgoing.dropAll();
      this.#abort();
    });
  }

  destroy(): void {
    if (this.#state === "closed") return;
    this.outgoing.dropSome();
    this.#abort();
  }

  /** Called whenever this end may have gone; `isGone` says so. */
  whenGone(listener: () => void): void {
    this.#onGone = listener;
  }

  get label(): string {
    return `net ${formatAddress(this.owner.address)}`;
  }

  get outgoing(): Direction {
    if (this.#out === undefined) throw new Error("the connection has only one end");
    return this.#out;
  }

  get needsDrain(): boolean {
    return this.#needsDrain;
  }

  get isGone(): boolean {
    return this.#state === "closed";
  }

  /** Whether what comes next could be handed over now. */
  get isReading(): boolean {
    return this.#state !== "open" || (this.#onData !== undefined && !this.#isPaused);
  }

  /** The other end's bytes; called from an event of this end's process. */
  receive(bytes: Uint8Array): void {
    if (this.#state === "open") this.#onData?.(bytes);
  }

  /** The other end has ended; what it had written was delivered. */
  receiveEnd(): void {
    if (this.#state === "closed") return;
    // As a socket that may not be half open: the answer to an end is an end.
    if (this.#state === "open") this.outgoing.send({ kind: "end" });
    this.#finish(undefined);
  }

  /** The network or the other end has torn the connection down. */
  receiveReset(): void {
    if (this.#state === "closed") return;
    this.outgoing.dropAll();
    this.#finish(this.#state === "open" ? new NetworkError("ECONNRESET", "connection to", this.peer) : undefined);
  }

  /** The other end has taken enough of what was written here. */
  receiveDrain(): void {
    if (!this.#needsDrain || this.#state !== "open") return;
    this.#needsDrain = false;
    this.#onDrain();
  }

  /** What the kernel does when the process dies; without power there is no kernel. */
  die(cause: DeathCause, hasUnreadBytes: boolean): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    if (cause === "powerLost") {
      this.outgoing.dropAll();
    } else if (hasUnreadBytes) {
      this.outgoing.dropSome();
      this.outgoing.send({ kind: "reset" });
    } else if (wasOpen) {
      this.outgoing.send({ kind: "end" });
    }
    this.#onGone();
  }

  #abort(): void {
    this.outgoing.send({ kind: "reset" });
    this.#state = "closed";
    this.#cancelGrace();
    this.#onGone();
    this.owner.process.schedule(0, `${this.label} closed`, () => this.#finish(undefined));
    this.#far?.outgoing.wake();
  }

  #finish(failure: NetworkError | undefined): void {
    this.#state = "closed";
    this.#cancelGrace();
    this.#onGone();
    if (this.#onClose === undefined) this.#closed = { failure };
    else this.#onClose(failure);
  }
}

/**
 * One direction of a connection: what was written at one end and not yet taken at the other. At most one event is
 * scheduled for it, for its first segment, so nothing overtakes.
 * @internal
 */
export class Direction {
  readonly #wire: SimulatedWire;
  readonly #from: SimulatedConnection;
  readonly #to: SimulatedConnection;
  readonly #segments: Segment[] = [];
  #waitingBytes = 0;
  #lineFreeMs = 0;
  /** Set while an event is scheduled. */
  #cancel: Cancel | undefined;
  #isForgotten = false;

  constructor(wire: SimulatedWire, from: SimulatedConnection, to: SimulatedConnection) {
    this.#wire = wire;
    this.#from = from;
    this.#to = to;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether bytes have arrived that the reader has not taken. */
  get hasArrivedBytes(): boolean {
    const first = this.#segments[0];
    return first?.kind === "data" && first.arrivesAtMs <= this.#nowMs;
  }

  send(what: { kind: "data"; bytes: Uint8Array } | { kind: "end" } | { kind: "reset" }): void {
    const { dice } = this.#from.owner;
    const byteCount = what.kind === "data" ? what.bytes.length : 0;
    this.#lineFreeMs = Math.max(this.#nowMs, this.#lineFreeMs) + dice.transferMs(byteCount);
    // May be before that of an earlier segment, behind which it then waits.
    const arrivesAtMs = this.#lineFreeMs + dice.latencyMs() + dice.stallMs();
    this.#segments.push({ ...what, arrivesAtMs });
    this.#waitingBytes += byteCount;
    this.wake();
  }

  dropAll(): void {
    this.#segments.length = 0;
    this.#waitingBytes = 0;
  }

  /** Drops what has not left yet: a seeded number of the last writes. */
  dropSome(): void {
    const kept = this.#segments.slice(0, this.#from.owner.dice.below(this.#segments.length + 1));
    this.dropAll();
    for (const segment of kept) {
      this.#segments.push(segment);
      if (segment.kind === "data") this.#waitingBytes += segment.bytes.length;
    }
  }

  /** From now on nothing gets through, and nobody is told. */
  forget(): void {
    this.#isForgotten = true;
  }

  /** The process that would have taken the next segment is dead, and its events with it. */
  readerDied(): void {
    this.#cancel = undefined;
    this.wake();
  }

  /** Something has changed that a segment may have waited for. `isResend`: it was lost before and is sent again. */
  wake(isResend: boolean = false): void {
    const first = this.#segments[0];
    if (first === undefined || this.#cancel !== undefined || this.#isForgotten) return;
    if (!this.#to.isReading || this.#isHeldUp()) return;
    const resendMs = isResend ? this.#from.owner.dice.below(RESEND_MS_MAX) : 0;
    const delayMs = Math.max(0, first.arrivesAtMs - this.#nowMs) + resendMs;
    const { process } = this.#to.owner;
    const label = `${this.#to.label} from ${formatAddress(this.#to.peer)}`;
    const deliver = (): void => {
      this.#cancel = undefined;
      this.#deliver();
      this.wake();
    };
    // Without a process the kernel still answers.
    this.#cancel = process.isDead
      ? process.scheduler.schedule(delayMs, label, deliver)
      : process.schedule(delayMs, label, deliver);
  }

  #deliver(): void {
    const first = this.#segments[0];
    if (first === undefined || first.arrivesAtMs > this.#nowMs || this.#isForgotten) return;
    if (this.#isHeldUp() || !this.#to.isReading) return;
    switch (first.kind) {
      case "data":
        this.#deliverBytes();
        return;
      case "end":
        this.#segments.shift();
        this.#to.receiveEnd();
        return;
      case "reset":
        this.dropAll();
        this.#to.receiveReset();
        return;
      default:
        unreachable(first);
    }
  }

  #deliverBytes(): void {
    const { dice } = this.#from.owner;
    if (dice.isReset()) {
      this.resetBoth();
      return;
    }
    const bytes = this.#take();
    this.#trace(bytes);
    if (this.#to.isGone) {
      // Nobody there: whoever sends is told, unless it is gone itself.
      this.dropAll();
      if (!this.#from.isGone) this.#to.outgoing.send({ kind: "reset" });
      return;
    }
    if (this.#from.needsDrain && this.#waitingBytes < WRITE_BUFFER_BYTES / 2) {
      const sender = this.#from.owner.process;
      sender.schedule(this.#to.owner.dice.latencyMs(), `${this.#from.label} drain`, () => this.#from.receiveDrain());
    }
    this.#wire.delivers({ from: this.#from, to: this.#to, bytes, waitingBytes: this.#waitingBytes });
    this.#to.receive(bytes);
  }

  /** The network tears the connection down: this end sees it now, the other one a little later. */
  resetBoth(): void {
    this.dropAll();
    const { dice, process } = this.#from.owner;
    process.schedule(dice.latencyMs(), `${this.#from.label} reset`, () => this.#from.receiveReset());
    this.#to.owner.process.schedule(0, `${this.#to.label} reset`, () => this.#to.receiveReset());
  }

  /** A copy of what has arrived, cut and joined as the seed decides. */
  #take(): Uint8Array {
    let arrived = 0;
    for (const segment of this.#segments) {
      if (segment.kind !== "data" || segment.arrivesAtMs > this.#nowMs || arrived >= DELIVERY_BYTES_MAX) break;
      arrived += segment.bytes.length;
    }
    const taken = new Uint8Array(this.#from.owner.dice.cut(Math.min(arrived, DELIVERY_BYTES_MAX)));
    let filled = 0;
    while (filled < taken.length) {
      const first = this.#segments[0];
      if (first?.kind !== "data") break;
      const part = first.bytes.subarray(0, taken.length - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === first.bytes.length) this.#segments.shift();
      else this.#segments[0] = { ...first, bytes: first.bytes.subarray(part.length) };
    }
    this.#waitingBytes -= taken.length;
    return taken;
  }

  /** True while a partition or a host that is down is in the way. */
  #isHeldUp(): boolean {
    const to = this.#to.owner.host;
    if (this.#wire.isUp(to) && this.#wire.canPass(this.#from.owner.host, to)) return false;
    // Nothing is sent again after a reset, and the reset itself is not either: the other end stays half open.
    if (this.#segments.at(-1)?.kind === "reset") this.dropAll();
    return true;
  }

  #trace(bytes: Uint8Array): void {
    this.#to.owner.process.scheduler.trace.add(`${this.#to.label} ${bytes.length} bytes ${crc32c(bytes)}`);
  }

  get #nowMs(): number {
    return this.#to.owner.process.scheduler.nowMs;
  }
}

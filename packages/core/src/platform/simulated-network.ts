import { type FaultyNetwork, type LinkConditions, LinkDice, NetworkFaults } from "./network-faults.ts";
import type { SeededRandom } from "./seeded-random.ts";
import {
  connectEndpoints,
  type Delivery,
  type EndpointOwner,
  type SimulatedConnection,
  type SimulatedWire,
} from "./simulated-connection.ts";
import type { DeathCause, SimulatedProcess } from "./simulated-process.ts";
import {
  type Connection,
  DIAL_TIMEOUT_MS_DEFAULT,
  type DialOptions,
  isLoopback,
  type NetworkAddress,
  NetworkError,
} from "./transport.ts";

/** Where the ports that the system chooses begin. */
const EPHEMERAL_PORT_FIRST = 40_000;

/** A lost request for a connection is sent again after this time. */
const DIAL_RETRY_MS = 1000;

/** Addresses that stand for all interfaces of a host. */
const EVERY_INTERFACE: readonly string[] = ["", "0.0.0.0", "::"];

/** A port that a process listens at. @internal */
export interface SimulatedPort {
  readonly process: SimulatedProcess;
  readonly address: NetworkAddress;
  readonly isLoopbackOnly: boolean;
  readonly onConnection: (connection: Connection) => void;
}

/** Who dials or listens. @internal */
export interface NetworkUser {
  readonly process: SimulatedProcess;
  readonly host: string;
}

interface Host {
  isUp: boolean;
  nextPort: number;
  readonly ports: Map<number, SimulatedPort>;
}

interface ConnectedPair {
  readonly ends: readonly [SimulatedConnection, SimulatedConnection];
}

/**
 * The network of one simulation: hosts by name, their ports, the connections between their processes. A host is up from
 * its first process on, and down from a loss of its power until its next process starts.
 *
 * Every direction of every connection has random numbers of its own, so that traffic on one does not move the others.
 * @internal
 */
export class SimulatedNetwork implements SimulatedWire, FaultyNetwork {
  readonly faults: NetworkFaults;
  /** Looks at all that is handed over, and changes nothing. */
  onDelivery: ((delivery: Delivery) => void) | undefined;
  readonly #random: SeededRandom;
  readonly #hosts: Map<string, Host> = new Map();
  readonly #pairs: Set<ConnectedPair> = new Set();
  readonly #dialCounts: Map<string, number> = new Map();

  constructor(random: SeededRandom, conditions: Partial<LinkConditions> = {}) {
    this.#random = random;
    this.faults = new NetworkFaults(this, conditions);
  }

  /** A process starts on a host, which is up from now on. */
  attach({ process, host: name }: NetworkUser): void {
    const host = this.#hosts.get(name) ?? { isUp: true, nextPort: EPHEMERAL_PORT_FIRST, ports: new Map() };
    this.#hosts.set(name, host);
    process.onDeath((cause) => this.#bury(process, host, cause));
    if (host.isUp) return;
    host.isUp = true;
    this.unblocked();
  }

  /** @throws NetworkError */
  listen(
    { process, host: name }: NetworkUser,
    asked: NetworkAddress,
    onConnection: SimulatedPort["onConnection"],
  ): SimulatedPort {
    const host = this.#hostOf(name);
    const isLoopbackOnly = isLoopback(asked.host);
    if (!isLoopbackOnly && asked.host !== name && !EVERY_INTERFACE.includes(asked.host)) {
      throw new NetworkError("EADDRNOTAVAIL", "listen", asked);
    }
    if (host.ports.has(asked.port)) throw new NetworkError("EADDRINUSE", "listen", asked);
    const port = asked.port === 0 ? this.#freePort(host) : asked.port;
    const opened = { process, address: { host: asked.host, port }, isLoopbackOnly, onConnection };
    host.ports.set(port, opened);
    return opened;
  }

  closePort(host: string, { address }: SimulatedPort): void {
    this.#hosts.get(host)?.ports.delete(address.port);
  }

  /** Never settles when the process dies. */
  dial(user: NetworkUser, address: NetworkAddress, options: DialOptions): Promise<Connection> {
    const timeoutMs = options.timeoutMs ?? DIAL_TIMEOUT_MS_DEFAULT;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const { process } = user;
      const settle = (action: () => void): void => {
        if (isOver) return;
        isOver = true;
        cancelTimeout();
        action();
      };
      const fail = (errno: string): void => settle(() => reject(new NetworkError(errno, "dial", address)));
      const cancelTimeout = process.schedule(timeoutMs, "dial timeout", () => fail("ETIMEDOUT"));
      const isInside = isLoopback(address.host);
      const to = isInside ? user.host : address.host;
      if (!this.#hosts.has(to)) {
        process.schedule(1, "dial", () => fail("ENOTFOUND"));
        return;
      }
      const number = (this.#dialCounts.get(`${user.host} ${to}`) ?? 0) + 1;
      this.#dialCounts.set(`${user.host} ${to}`, number);
      const attempt: DialAttempt = {
        user,
        to,
        address,
        isInside,
        there: this.#diceOf(user.host, to, number, "out"),
        back: this.#diceOf(to, user.host, number, "back"),
        isOver: () => isOver || process.isDead,
        refused: () => fail("ECONNREFUSED"),
        connected: (connection) => {
          if (isOver) connection.destroy();
          else settle(() => resolve(connection));
        },
      };
      this.#request(attempt);
    });
  }

  canPass(from: string, to: string): boolean {
    return !this.faults.isBlocked(from, to);
  }

  isUp(host: string): boolean {
    return this.#hosts.get(host)?.isUp === true;
  }

  delivers(delivery: Delivery): void {
    this.onDelivery?.(delivery);
  }

  unblocked(): void {
    for (const { ends } of this.#pairs) for (const end of ends) end.outgoing.wake(true);
  }

  resetConnections(a: string, b: string): void {
    for (const { ends } of this.#between(a, b)) ends[0].outgoing.resetBoth();
  }

  forgetConnections(a: string, b: string): void {
    for (const { ends } of this.#between(a, b)) for (const end of ends) end.outgoing.forget();
  }

  /** Sends the request for a connection until it gets through. */
  #request(attempt: DialAttempt): void {
    const { user, to, there, back } = attempt;
    const { scheduler } = user.process;
    scheduler.schedule(there.latencyMs(), `net dial from ${user.process.name} to ${to}`, () => {
      if (attempt.isOver()) return;
      const passes = this.isUp(to) && this.canPass(user.host, to) && this.canPass(to, user.host) && !there.isDialLost();
      if (!passes) {
        scheduler.schedule(DIAL_RETRY_MS, `net dial again from ${user.process.name}`, () => this.#request(attempt));
        return;
      }
      const port = this.#hostOf(to).ports.get(attempt.address.port);
      const isOpen = port !== undefined && (attempt.isInside || user.host === to || !port.isLoopbackOnly);
      if (!isOpen || there.isDialRefused()) {
        user.process.schedule(back.latencyMs(), "dial refused", attempt.refused);
        return;
      }
      this.#accept(attempt, port);
    });
  }

  #accept(attempt: DialAttempt, port: SimulatedPort): void {
    const { user, to, there, back, isInside } = attempt;
    const clientPort = this.#freePort(this.#hostOf(user.host));
    const clientAddress = { host: isInside ? "127.0.0.1" : user.host, port: clientPort };
    const client: EndpointOwner = { ...user, address: clientAddress, peer: attempt.address, dice: there };
    const server: EndpointOwner = {
      process: port.process,
      host: to,
      address: { host: to, port: port.address.port },
      peer: clientAddress,
      dice: back,
    };
    const ends = connectEndpoints(this, client, server);
    const pair = { ends };
    this.#pairs.add(pair);
    for (const end of ends)
      end.whenGone(() => {
        if (ends.every(({ isGone }) => isGone)) this.#pairs.delete(pair);
      });
    port.process.schedule(0, `net accept from ${user.process.name}`, () => port.onConnection(ends[1]));
    user.process.schedule(back.latencyMs(), "net connected", () => attempt.connected(ends[0]));
  }

  /** What the kernel does behind a dead process, or what happens without power. */
  #bury(process: SimulatedProcess, host: Host, cause: DeathCause): void {
    if (cause === "powerLost") host.isUp = false;
    for (const [number, port] of host.ports) if (port.process === process) host.ports.delete(number);
    for (const { ends } of [...this.#pairs]) {
      for (const [near, far] of [ends, [ends[1], ends[0]] as const]) {
        if (near.owner.process !== process) continue;
        near.die(cause, far.outgoing.hasArrivedBytes);
        far.outgoing.readerDied();
      }
    }
  }

  *#between(a: string, b: string): Iterable<ConnectedPair> {
    for (const pair of [...this.#pairs]) {
      const hosts = pair.ends.map(({ owner }) => owner.host);
      if (a !== b && hosts.includes(a) && hosts.includes(b)) yield pair;
    }
  }

  #hostOf(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`no process was ever started on host ${name}`);
    return host;
  }

  #freePort(host: Host): number {
    while (host.ports.has(host.nextPort)) host.nextPort++;
    return host.nextPort++;
  }

  #diceOf(from: string, to: string, number: number, way: "out" | "back"): LinkDice {
    return new LinkDice(this.#random.fork(`${from} > ${to} ${number} ${way}`), this.faults, from, to);
  }
}

interface DialAttempt {
  readonly user: NetworkUser;
  readonly to: string;
  readonly address: NetworkAddress;
  /** Dialled by a loopback address. */
  readonly isInside: boolean;
  readonly there: LinkDice;
  readonly back: LinkDice;
  isOver(): boolean;
  refused(): void;
  connected(connection: Connection): void;
}

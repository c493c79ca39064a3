/**
 * The network as core sees it: reliable, ordered streams of bytes between processes, as TCP gives them. What TCP does not
 * give (frames, calls, proof that the other side lives) is built on it by others.
 *
 * `node-transport.ts` is the real one, `simulated-transport.ts` the seeded one; `transport-contract.test.ts` holds the
 * rules (T1 to T6) that both keep.
 *
 * - T1. Bytes arrive in the order of the writes, each once, cut and joined at will: a write is not a message.
 * - T2. `onClose` is called once, after the last data, and never from within a call. Without a failure it means: the other
 *   side has closed and everything it wrote was delivered, or this side has closed.
 * - T3. After `close` and `destroy` no data is delivered and `write` does nothing.
 * - T4. Data waits until somebody listens for it and while the connection is paused; meanwhile the other side's `write`
 *   comes to return false.
 * - T5. Once a `write` has returned false, `onDrain` is called when the other side has taken enough, unless the connection
 *   closes before.
 * - T6. That the other side lives cannot be seen: a machine that lost its power, or the network between, says nothing.
 */
import { MillraceError } from "../base/errors.ts";

/** Where somebody listens: a name or an IP address, and a port from 0 to 65535. Port 0 asks for any free one. @public */
export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

/** A failed network operation; `errno` is the operating system's name, such as ECONNREFUSED, ECONNRESET, ETIMEDOUT. @public */
export class NetworkError extends Error {
  readonly errno: string;
  readonly address: NetworkAddress;

  constructor(errno: string, operation: string, address: NetworkAddress, cause?: unknown) {
    super(`${errno}: ${operation} ${formatAddress(address)}`, cause === undefined ? undefined : { cause });
    this.name = "NetworkError";
    this.errno = errno;
    this.address = address;
  }
}

/**
 * One end of a stream of bytes in both directions. Used from the thread that made it. Each `on` method takes one
 * listener; a second one takes the place of the first. A close that nobody listened for is told to the first listener.
 * @public
 */
export interface Connection {
  /** The other end. The port of one who dialled says nothing but which of its connections this is. */
  readonly peer: NetworkAddress;
  /**
   * Sends the bytes, which from now on belong to the connection and must not change. False means: everything was taken,
   * but the next write should wait for `onDrain`. Never throws; on a closed connection it does nothing and returns false.
   */
  write(bytes: Uint8Array): boolean;
  /** Begins to read. The bytes belong to the listener. */
  onData(listener: (bytes: Uint8Array) => void): void;
  onDrain(listener: () => void): void;
  onClose(listener: (failure: NetworkError | undefined) => void): void;
  /** Delivers nothing until `resume`. A failure may stay unnoticed as long. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then ends. What the other side has not taken `CLOSE_GRACE_MS` (5 s) later is dropped. */
  close(): void;
  /** Ends at once and drops what was not sent; the other side sees ECONNRESET. */
  destroy(): void;
}

/** A port that accepts connections. @public */
export interface Listener {
  /** With the port that was chosen when 0 was asked for. */
  readonly address: NetworkAddress;
  /** Accepts no more; connections that were accepted stay. */
  close(): Promise<void>;
}

/** Who may connect, and what happens when one cannot be let in. @public */
export interface ListenOptions {
  /** Lets others than this machine in. Nobody asks them who they are, so the network has to be trusted. Default false. */
  readonly allowNonLoopback?: boolean;
  /** A connection could not be accepted, for want of file descriptors, say. Without it such a failure is thrown. */
  readonly onAcceptFailure?: (failure: NetworkError) => void;
}

/** How long to wait for an answer. @public */
export interface DialOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

/** Connections to other processes. @public */
export interface Transport {
  /**
   * Accepts connections at an address of this machine.
   * @throws MillraceError `MR_INSECURE_BIND` when other machines could connect and nobody allowed it
   * @throws NetworkError EADDRINUSE, EADDRNOTAVAIL
   */
  listen(
    address: NetworkAddress,
    onConnection: (connection: Connection) => void,
    options?: ListenOptions,
  ): Promise<Listener>;
  /** @throws NetworkError ECONNREFUSED, ETIMEDOUT, ENOTFOUND ... */
  dial(address: NetworkAddress, options?: DialOptions): Promise<Connection>;
}

/** How long `close` waits for the other side to take what was written. @internal */
export const CLOSE_GRACE_MS = 5000;

/** How long `dial` waits for an answer. @internal */
export const DIAL_TIMEOUT_MS_DEFAULT = 10_000;

/** A connection holds this much that the other side has not taken before `write` says to wait. @internal */
export const WRITE_BUFFER_BYTES: number = 64 * 1024;

/** `host:port`, with an IPv6 address in brackets. @internal */
export function formatAddress({ host, port }: NetworkAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What {@link formatAddress} made; undefined when it is no such text. @internal */
export function parseAddress(text: string): NetworkAddress | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/**
 * Refuses to open a port to other machines unless somebody has said that they may come in.
 * @throws MillraceError `MR_INSECURE_BIND`
 * @internal
 */
export function checkBind(address: NetworkAddress, options: ListenOptions): void {
  if (options.allowNonLoopback === true || isLoopback(address.host)) return;
  throw new MillraceError("MR_INSECURE_BIND", {
    what: "A port would be open to other machines, and nobody who connects is asked who they are",
    where: { address: formatAddress(address) },
    found: address.host === "" ? "an empty host, which is every interface" : `the host ${address.host}`,
    expected: "a loopback address: localhost, 127.0.0.1 or ::1",
    todo: "Bind a loopback address, or allow the bind explicitly in a network where everybody is trusted",
  });
}

/** True for addresses that only this machine can reach. A name other than localhost may lead anywhere. @internal */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

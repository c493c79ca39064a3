/** The end of all wires of a process: its data port, its connections to other processes, and what they carry. */
import { invariant } from "../../base/errors.ts";
import type { Platform } from "../../platform/platform.ts";
import {
  type Connection,
  formatAddress,
  type Listener,
  type NetworkAddress,
  NetworkError,
  parseAddress,
} from "../../platform/transport.ts";
import type { Doorbell } from "../doorbell.ts";
import { WireConnection } from "./wire-connection.ts";
import { deploymentName, type WireDeployment } from "./wire-ends.ts";
import { type LinkedDeployment, WireLink } from "./wire-link.ts";
import { WireLoop } from "./wire-loop.ts";
import { NAME_CHARS_MAX } from "./wire-message.ts";

export interface WireEndpointOptions {
  readonly platform: Pick<Platform, "clock" | "transport">;
  /** Where to listen; port 0 takes any free one. */
  readonly bind: NetworkAddress;
  /** The name or IP address under which the others reach this machine. Undefined: the one that is bound. */
  readonly advertisedHost?: string;
  /** See `ListenOptions`. */
  readonly allowNonLoopback?: boolean;
  readonly heartbeatIntervalMs: number;
  /** A connection whose other side gives no sign of life for so long is broken. */
  readonly heartbeatTimeoutMs: number;
}

export class WireEndpoint {
  /** `host:port` under which the others reach this process; every process has to be called the same by all. */
  readonly address: string;
  readonly #options: WireEndpointOptions;
  readonly #listener: Listener;
  readonly #loop: WireLoop;
  /** By the other process's address. */
  readonly #links = new Map<string, WireLink>();
  readonly #connections = new Set<WireConnection>();
  #isClosed = false;

  /**
   * Opens the data port.
   * @throws MillraceError `MR_INSECURE_BIND`
   * @throws NetworkError EADDRINUSE, EADDRNOTAVAIL
   */
  static async listen(options: WireEndpointOptions): Promise<WireEndpoint> {
    const { platform, bind, allowNonLoopback = false } = options;
    // A connection that comes before the port is known to anybody is nobody's.
    let endpoint: WireEndpoint | undefined;
    const listener = await platform.transport.listen(
      bind,
      (connection) => {
        if (endpoint === undefined) connection.destroy();
        else endpoint.#accept(connection);
      },
      // One that cannot be accepted breaks at the side that dialled, which says so.
      { allowNonLoopback, onAcceptFailure: () => {} },
    );
    endpoint = new WireEndpoint(options, listener);
    return endpoint;
  }

  private constructor(options: WireEndpointOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    const { host, port } = listener.address;
    this.address = formatAddress({ host: options.advertisedHost ?? host, port });
    this.#loop = new WireLoop(options.platform.clock, () => this.#work());
  }

  /** From now on the loop works when the bell is rung. */
  listenTo(bell: Doorbell): void {
    this.#loop.add(bell);
  }

  forget(bell: Doorbell): void {
    this.#loop.remove(bell);
  }

  /** Carries the channels to another process from now on, as soon as it has connected them, too. */
  connect(peerAddress: string, linked: LinkedDeployment): void {
    invariant(!this.#isClosed, "channels are connected before the data port is closed");
    invariant(peerAddress !== this.address, `a channel from ${this.address} to itself needs no wire`);
    invariant(
      linked.deployment.jobId.length + linked.deployment.session.length <= NAME_CHARS_MAX,
      `a job's id and session have at most ${NAME_CHARS_MAX} characters`,
    );
    this.#linkTo(peerAddress).attach(linked);
    this.#loop.wake();
  }

  /** Touches nothing of the deployment any more, from now on; the others are told not to send. */
  disconnect(deployment: WireDeployment): void {
    const name = deploymentName(deployment);
    for (const link of this.#links.values()) link.detach(name);
    this.#dropIdleLinks();
    this.#loop.wake();
  }

  /** Closes the port and all connections. What is still connected carries nothing any more, and nobody here is told. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#loop.stop();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    for (const connection of this.#connections) connection.end("close");
    this.#connections.clear();
    await this.#listener.close();
  }

  #work(): boolean {
    let hasWorked = false;
    for (const connection of this.#connections) {
      if (connection.isOver) this.#connections.delete(connection);
      else if (connection.pump()) hasWorked = true;
    }
    return hasWorked;
  }

  #linkTo(peer: string): WireLink {
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    const link: WireLink = new WireLink({ here: this.address, there: peer, dial: () => void this.#dial(peer, link) });
    this.#links.set(peer, link);
    return link;
  }

  #dropIdleLinks(): void {
    for (const [peer, link] of this.#links) if (link.isIdle) this.#links.delete(peer);
  }

  async #dial(peer: string, link: WireLink): Promise<void> {
    let connection: Connection;
    try {
      connection = await this.#options.platform.transport.dial(addressOf(peer));
    } catch (error) {
      link.failed(undefined, error instanceof Error ? error : new Error(String(error)));
      this.#dropIdleLinks();
      return;
    }
    if (this.#isClosed) connection.close();
    else link.connected(this.#drive(connection, peer, (wire, cause) => link.failed(wire, cause)));
    this.#loop.wake();
  }

  #accept(connection: Connection): void {
    if (this.#isClosed) {
      connection.destroy();
      return;
    }
    let link: WireLink | undefined;
    const wire = this.#drive(
      connection,
      undefined,
      (failed, cause) => link?.failed(failed, cause),
      (peer) => {
        link = this.#linkTo(peer);
        link.connected(wire);
      },
    );
    this.#loop.wake();
  }

  #drive(
    connection: Connection,
    expectedPeer: string | undefined,
    onBroken: (wire: WireConnection, cause: Error) => void,
    onPeer: (peer: string) => void = () => {},
  ): WireConnection {
    const { platform, heartbeatIntervalMs, heartbeatTimeoutMs } = this.#options;
    const wire: WireConnection = new WireConnection({
      connection,
      address: this.address,
      expectedPeer,
      clock: platform.clock,
      heartbeatIntervalMs,
      heartbeatTimeoutMs,
      onPeer,
      onNews: this.#loop.wake,
      onBroken: (cause) => {
        this.#connections.delete(wire);
        onBroken(wire, cause);
        this.#dropIdleLinks();
      },
    });
    this.#connections.add(wire);
    return wire;
  }
}

function addressOf(peer: string): NetworkAddress {
  const address = parseAddress(peer);
  if (address === undefined) throw new NetworkError("EINVAL", "dial", { host: peer, port: 0 });
  return address;
}

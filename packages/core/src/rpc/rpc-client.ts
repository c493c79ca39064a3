import { MillraceError } from "../base/errors.ts";
import type { Cancel } from "../platform/platform.ts";
import { type Connection, formatAddress, type NetworkAddress } from "../platform/transport.ts";
import { ReconnectBackoff } from "./reconnect-backoff.ts";
import { type CallKeys, RpcLink } from "./rpc-link.ts";
import { RpcSession, type RpcSessionHost } from "./rpc-session.ts";

/** @internal */
export interface RpcClientOptions {
  /** Asked before every attempt: a new leader may have another address. */
  readonly addressOf: () => NetworkAddress | Promise<NetworkAddress>;
  /** A session has opened. Registers anew what the other side forgets with a session. */
  readonly onSession?: (session: RpcSession) => void;
  /** A session has ended, or one could not be made; the next attempt follows by itself. */
  readonly onDown?: (reason: MillraceError | undefined) => void;
}

/** A link that keeps itself up: dials, and dials again with growing waits until it is closed. @internal */
export class RpcClient extends RpcLink {
  readonly #options: RpcClientOptions;
  readonly #backoff: ReconnectBackoff;
  #current: RpcSession | undefined;
  #cancelWait: Cancel = () => {};

  constructor(host: RpcSessionHost, keys: CallKeys, peerName: string, options: RpcClientOptions) {
    super(host, keys, peerName);
    this.#options = options;
    this.#backoff = new ReconnectBackoff(host.settings.reconnect, host.platform.random.fork(`reconnect ${peerName}`));
    void this.#connect();
  }

  override close(reason?: MillraceError): void {
    this.#cancelWait();
    super.close(reason);
    // One that has not opened yet is not attached.
    this.#current?.end(reason);
  }

  async #connect(): Promise<void> {
    const { platform, settings } = this.host;
    let address: NetworkAddress | undefined;
    let connection: Connection;
    try {
      address = await this.#options.addressOf();
      connection = await platform.transport.dial(address, { timeoutMs: settings.heartbeatTimeoutMs });
    } catch (error) {
      this.#wait(0, unreachableError(address, error));
      return;
    }
    if (this.isClosed) {
      connection.close();
      return;
    }
    let openedAtMs: number | undefined;
    this.#current = new RpcSession(this.host, connection, true, {
      onOpen: (session) => {
        openedAtMs = platform.clock.monoMs();
        this.attach(session);
        this.#options.onSession?.(session);
      },
      onEnd: (_session, reason) => {
        this.#current = undefined;
        this.#wait(openedAtMs === undefined ? 0 : platform.clock.monoMs() - openedAtMs, reason);
      },
    });
  }

  #wait(lastedMs: number, reason: MillraceError | undefined): void {
    if (this.isClosed) return;
    this.#options.onDown?.(reason);
    this.#cancelWait = this.host.platform.clock.after(this.#backoff.nextDelayMs(lastedMs), () => void this.#connect());
  }
}

function unreachableError(address: NetworkAddress | undefined, error: unknown): MillraceError {
  return new MillraceError("MR_RPC_CONNECTION_LOST", {
    what: "Another process of the cluster cannot be reached",
    ...(address === undefined ? {} : { where: { address: formatAddress(address) } }),
    found: error instanceof Error ? error.message : String(error),
    todo: "See whether it runs and listens there; it is tried again by itself",
    cause: error,
  });
}

import type { MillraceError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { formatAddress, type Listener, type ListenOptions, type NetworkAddress } from "../platform/transport.ts";
import { EpochFence } from "./epoch-fence.ts";
import { ReplyCache } from "./reply-cache.ts";
import { RpcClient, type RpcClientOptions } from "./rpc-client.ts";
import type { RpcHandlers } from "./rpc-handlers.ts";
import { CallKeys, RpcLink } from "./rpc-link.ts";
import { RpcSession, type RpcSessionHost } from "./rpc-session.ts";
import type { RpcSettings } from "./rpc-settings.ts";
import { overloadedError } from "./session-core.ts";

/** Connections that one endpoint holds for others. */
const ACCEPTED_MAX = 10_000;

/** @internal */
export interface RpcEndpointOptions {
  readonly platform: Pick<Platform, "clock" | "transport" | "random">;
  /** For people and messages: "jobmanager", "taskmanager tm-1 on host-b". */
  readonly name: string;
  readonly handlers: RpcHandlers;
  readonly settings: RpcSettings;
  /** The epoch of this process' leadership; leave it out for a process that follows a leader. */
  readonly leaderEpoch?: number;
  /** What has nobody to answer to. */
  readonly onWarning: (warning: MillraceError) => void;
}

/** @internal */
export interface RpcListenOptions extends Pick<ListenOptions, "allowNonLoopback"> {
  readonly onSession?: (session: RpcSession) => void;
  readonly onSessionEnd?: (session: RpcSession, reason: MillraceError | undefined) => void;
}

/**
 * One process of a cluster as the others know it: answers calls, makes calls, and keeps what its sessions share: the
 * newest epoch, and the replies to calls that may come again.
 * @internal
 */
export class RpcEndpoint {
  /** Of this start of the process: calls that were sent to an earlier one are not repeated to this one. */
  readonly instanceId: string;
  readonly fence: EpochFence;
  readonly #host: RpcSessionHost;
  readonly #keys: CallKeys = new CallKeys();
  readonly #listeners: Set<Listener> = new Set();
  readonly #accepted: Set<RpcSession> = new Set();
  readonly #links: Set<RpcLink> = new Set();

  constructor(options: RpcEndpointOptions) {
    const { platform, name, handlers, settings, leaderEpoch, onWarning } = options;
    this.instanceId = platform.random.uuid();
    this.fence = new EpochFence(leaderEpoch ?? 0);
    this.#host = {
      platform,
      identity: { name, instanceId: this.instanceId, leaderEpoch },
      fence: this.fence,
      handlers,
      replies: new ReplyCache({
        repliesPerCallerMax: settings.pendingCallsMax,
        retentionMs: settings.replyRetentionMs,
      }),
      settings,
      onWarning,
    };
  }

  /**
   * Answers at this address.
   * @throws MillraceError `MR_INSECURE_BIND`
   * @throws NetworkError
   */
  async listen(address: NetworkAddress, options: RpcListenOptions = {}): Promise<Listener> {
    const { transport } = this.#host.platform;
    const listener = await transport.listen(
      address,
      (connection) => {
        if (this.#accepted.size >= ACCEPTED_MAX) {
          connection.destroy();
          this.#host.onWarning(overloadedError(`${this.#accepted.size} connections`));
          return;
        }
        const session = new RpcSession(this.#host, connection, false, {
          onOpen: (opened) => options.onSession?.(opened),
          onEnd: (ended, reason) => {
            this.#accepted.delete(ended);
            if (ended.peer !== undefined) options.onSessionEnd?.(ended, reason);
            else if (reason !== undefined) this.#host.onWarning(reason);
          },
        });
        this.#accepted.add(session);
      },
      {
        allowNonLoopback: options.allowNonLoopback === true,
        onAcceptFailure: (failure) => this.#host.onWarning(overloadedError(failure.message)),
      },
    );
    this.#listeners.add(listener);
    return listener;
  }

  /** Keeps a session with whoever listens at the address, until it is closed. */
  connect(
    address: NetworkAddress | RpcClientOptions["addressOf"],
    options: Omit<RpcClientOptions, "addressOf"> = {},
  ): RpcClient {
    const addressOf = typeof address === "function" ? address : () => address;
    const peerName = typeof address === "function" ? "the leader" : formatAddress(address);
    const client = new RpcClient(this.#host, this.#keys, peerName, { ...options, addressOf });
    this.#keep(client);
    return client;
  }

  /** A link for a process that dials this one: attach each of its sessions, and calls to it survive them. */
  linkTo(peerName: string): RpcLink {
    const link = new RpcLink(this.#host, this.#keys, peerName);
    this.#keep(link);
    return link;
  }

  /** Ends all sessions and stops listening. */
  async close(reason?: MillraceError): Promise<void> {
    for (const link of this.#links) link.close(reason);
    for (const session of [...this.#accepted]) session.end(reason);
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.#links.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  #keep(link: RpcLink): void {
    for (const each of this.#links) if (each.isClosed) this.#links.delete(each);
    this.#links.add(link);
  }
}

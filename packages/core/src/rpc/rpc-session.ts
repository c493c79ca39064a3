import { type ErrorMessage, toErrorMessage } from "../base/error-message.ts";
import { MillraceError, unreachable } from "../base/errors.ts";
import { checkFrameSize, encodeFrame, FrameDecoder } from "../base/frame.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { type Connection, formatAddress, type NetworkAddress, type NetworkError } from "../platform/transport.ts";
import { type EpochFence, fencedError } from "./epoch-fence.ts";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";
import type { CallKey, ReplyCache } from "./reply-cache.ts";
import type { RpcCaller, RpcHandlers } from "./rpc-handlers.ts";
import { decodeMessage, encodeMessage, type RpcMessage } from "./rpc-message.ts";
import type { RpcMethod, RpcTell } from "./rpc-method.ts";
import { outcomeUnknownError, responseOf } from "./rpc-outcome.ts";
import type { RpcSettings } from "./rpc-settings.ts";
import {
  type CallOutcome,
  type IncomingCall,
  overloadedError,
  type RpcIdentity,
  type RpcPeer,
  RpcSessionCore,
  type SessionAction,
} from "./session-core.ts";

/** What a call adds to its payload, with a method's name of any sane length. */
const ENVELOPE_BYTES_MAX = 1024;

/** What all sessions of one endpoint share. @internal */
export interface RpcSessionHost {
  readonly platform: Pick<Platform, "clock" | "transport" | "random">;
  readonly identity: RpcIdentity;
  readonly fence: EpochFence;
  readonly handlers: RpcHandlers;
  readonly replies: ReplyCache<CallReply>;
  readonly settings: RpcSettings;
  /** What has nobody to answer to: a tell that failed, say. */
  onWarning(warning: MillraceError): void;
}

/** How a repeatable call came out on the side that ran it. @internal */
export interface CallReply {
  readonly result: Uint8Array | ErrorMessage;
}

/** @internal */
export interface RpcSessionListener {
  /** The other side has greeted: calls may begin. Before any call of the other side runs. */
  onOpen(session: RpcSession): void;
  /** Once, also when it was never open. Without a reason both sides wanted it. */
  onEnd(session: RpcSession, reason: MillraceError | undefined): void;
}

/** @internal */
export interface CallOptions {
  /** Default `pekko.ask.timeout`. */
  readonly timeoutMs?: number;
}

/**
 * A session over one connection: runs {@link RpcSessionCore} with a clock, heartbeats and handlers. Messages keep their
 * order; a tell arrives at most once. When the session ends, all its calls fail at once.
 * @internal
 */
export class RpcSession {
  readonly address: NetworkAddress;
  readonly #host: RpcSessionHost;
  readonly #connection: Connection;
  readonly #listener: RpcSessionListener;
  readonly #core: RpcSessionCore;
  readonly #decoder: FrameDecoder;
  readonly #monitor: HeartbeatMonitor;
  readonly #waiting: Map<number, { readonly resolve: (outcome: CallOutcome) => void; readonly cancel: Cancel }> =
    new Map();
  readonly #leaveFence: () => void;
  #cancelTick: Cancel;
  /** Bytes since the connection said to wait. */
  #unsentBytes = 0;
  #isConnectionGone = false;

  constructor(host: RpcSessionHost, connection: Connection, isDialer: boolean, listener: RpcSessionListener) {
    const { platform, identity, fence, settings } = host;
    this.#host = host;
    this.#connection = connection;
    this.#listener = listener;
    this.address = connection.peer;
    const { pendingCallsMax, runningCallsMax, heartbeatIntervalMs, heartbeatTimeoutMs, frameBytesMax } = settings;
    this.#core = new RpcSessionCore({ identity, fence, isDialer, pendingCallsMax, runningCallsMax });
    this.#decoder = new FrameDecoder({ payloadBytesMax: frameBytesMax });
    const nowMs = platform.clock.monoMs();
    this.#monitor = new HeartbeatMonitor({ intervalMs: heartbeatIntervalMs, timeoutMs: heartbeatTimeoutMs }, nowMs);
    this.#cancelTick = platform.clock.after(this.#monitor.firstTickMs - nowMs, () => this.#tick());
    this.#leaveFence = fence.onNewer((epoch) => this.#perform(this.#core.fenced(epoch)));
    connection.onClose((failure) => this.#onClose(failure));
    connection.onDrain(() => {
      this.#unsentBytes = 0;
    });
    this.#perform(this.#core.start());
    connection.onData((bytes) => this.#onData(bytes));
  }

  /** When the other side was heard of, last, in monotonic milliseconds. */
  get lastHeardMs(): number {
    return this.#monitor.lastSignMs;
  }

  get isOpen(): boolean {
    return this.#core.state === "open";
  }

  /** Undefined until the other side has greeted. */
  get peer(): RpcPeer | undefined {
    return this.#core.peer;
  }

  /** The epoch that the session is under; every message carries it. */
  get epoch(): number {
    return this.#core.epoch;
  }

  /**
   * Asks the other side.
   * @throws MillraceError `MR_RPC_TIMEOUT`, `MR_RPC_CONNECTION_LOST`, `MR_FENCED`, `MR_RPC_OVERLOADED`, or the other
   *   side's own error
   */
  async call<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const timeoutMs = options.timeoutMs ?? this.#host.settings.askTimeoutMs;
    const outcome = await this.attempt(method, method.request.encode(request), { timeoutMs, key: undefined });
    return responseOf(method, outcome, { method: method.name, peer: this.peerName, timeoutMs });
  }

  /** Tells the other side; nothing says whether it arrived. Does nothing when the session has ended. */
  tell<Message>(tell: RpcTell<Message>, message: Message): void {
    const payload = tell.message.encode(message);
    this.#checkSize(payload);
    this.#perform(this.#core.tell(tell, payload));
  }

  /** A call whose outcome is looked at by the caller; settles always, rejects never. */
  attempt(
    method: { readonly name: string; readonly fingerprint: number },
    payload: Uint8Array,
    { timeoutMs, key }: { readonly timeoutMs: number; readonly key: CallKey | undefined },
  ): Promise<CallOutcome> {
    return new Promise((resolve) => {
      if (!this.isOpen) {
        resolve({ kind: "lost", reason: undefined });
        return;
      }
      try {
        this.#checkSize(payload);
      } catch (error) {
        resolve({ kind: "failure", error: toErrorMessage(error) });
        return;
      }
      const begun = this.#core.call(method, payload, key);
      if (begun === undefined) {
        const error = overloadedError(`${this.#waiting.size} calls wait for an answer`, { peer: this.peerName });
        resolve({ kind: "failure", error: toErrorMessage(error) });
        return;
      }
      const { callId, actions } = begun;
      const cancel = this.#host.platform.clock.after(timeoutMs, () => this.#perform(this.#core.timeout(callId)));
      this.#waiting.set(callId, { resolve, cancel });
      this.#perform(actions);
    });
  }

  /** Ends the session; the other side is told why. */
  end(reason?: MillraceError): void {
    this.#perform(this.#core.refuse(reason));
  }

  /** For messages: the name that the other side gave, or its address. */
  get peerName(): string {
    return this.peer?.name ?? formatAddress(this.address);
  }

  #onData(bytes: Uint8Array): void {
    this.#monitor.onSign(this.#host.platform.clock.monoMs());
    try {
      this.#decoder.push(bytes);
      while (this.#core.state !== "ended") {
        const frame = this.#decoder.next();
        if (frame === undefined) return;
        this.#perform(this.#core.onMessage(decodeMessage(frame)));
      }
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.#perform(this.#core.refuse(error));
    }
  }

  #onClose(failure: NetworkError | undefined): void {
    this.#isConnectionGone = true;
    const reason =
      failure === undefined
        ? undefined
        : new MillraceError("MR_RPC_CONNECTION_LOST", {
            what: "The connection to another process of the cluster has failed",
            where: { peer: this.peerName },
            found: failure.message,
            todo: "See whether the process still runs; the connection is made again by itself",
            cause: failure,
          });
    this.#perform(this.#core.lost(reason));
  }

  #tick(): void {
    const { clock } = this.#host.platform;
    const nowMs = clock.monoMs();
    const action = this.#monitor.tick(nowMs);
    if (action.kind === "lost") {
      this.end(
        new MillraceError("MR_HEARTBEAT_TIMEOUT", {
          what: "Another process of the cluster gives no sign of life",
          where: { peer: this.peerName },
          found: `nothing for ${Math.round(action.silentMs)} ms`,
          expected: `a heartbeat every ${this.#host.settings.heartbeatIntervalMs} ms`,
          todo: "See whether the process hangs, was stopped, or is cut off; raise heartbeat.timeout if it was only slow",
        }),
      );
      return;
    }
    if (action.kind === "beat") this.#perform(this.#core.beat());
    if (this.#core.state !== "ended") this.#cancelTick = clock.after(action.nextMs - nowMs, () => this.#tick());
  }

  #perform(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case "send":
          this.#send(action.message);
          break;
        case "opened":
          this.#host.replies.connected(action.peer.instanceId, this.#host.platform.clock.monoMs());
          this.#listener.onOpen(this);
          break;
        case "run":
          this.#run(action.call);
          break;
        case "deliver":
          this.#deliver(action.tell);
          break;
        case "settle": {
          const waiting = this.#waiting.get(action.callId);
          this.#waiting.delete(action.callId);
          waiting?.cancel();
          waiting?.resolve(action.outcome);
          break;
        }
        case "end":
          this.#finish(action.reason);
          break;
        default:
          unreachable(action);
      }
    }
  }

  #send(message: RpcMessage): void {
    if (this.#isConnectionGone) return;
    const bytes = this.#encode(message);
    if (this.#connection.write(bytes)) return;
    this.#unsentBytes += bytes.length;
    if (this.#unsentBytes <= this.#host.settings.unsentBytesMax) return;
    // What waits here is more than the other side will ever take in time, so nothing is flushed.
    this.#isConnectionGone = true;
    this.#connection.destroy();
    const error = overloadedError(`${this.#unsentBytes} bytes that it does not take`, { peer: this.peerName });
    this.#perform(this.#core.lost(error));
  }

  #encode(message: RpcMessage): Uint8Array {
    const { frameBytesMax } = this.#host.settings;
    const { type, payload } = encodeMessage(message);
    try {
      return encodeFrame(type, payload, frameBytesMax);
    } catch (error) {
      if (message.kind !== "reply" && message.kind !== "failure" && message.kind !== "goodbye") throw error;
      // Whoever waits for an answer is told that it is too large instead; that one is not.
      const short: RpcMessage =
        message.kind === "goodbye"
          ? { kind: "goodbye", epoch: message.epoch, error: undefined }
          : { kind: "failure", epoch: message.epoch, callId: message.callId, error: toErrorMessage(error) };
      const instead = encodeMessage(short);
      return encodeFrame(instead.type, instead.payload, frameBytesMax);
    }
  }

  #run(call: IncomingCall): void {
    const { replies } = this.#host;
    const { callId, key, method } = call;
    const finish = ({ result }: CallReply): void => this.#perform(this.#core.finished(callId, result));
    const callerId = this.peer?.instanceId ?? "";
    if (key === undefined) {
      void this.#result(call).then(finish);
      return;
    }
    const found = replies.begin(callerId, key);
    const place = { method, peer: this.#host.identity.name };
    switch (found.kind) {
      case "run":
        void this.#result(call).then((reply) => {
          replies.finish(callerId, key.sequence, reply);
          finish(reply);
        });
        return;
      case "running":
        found.onReply(finish);
        return;
      case "replied":
        finish(found.reply);
        return;
      case "unknown":
        finish({ result: toErrorMessage(outcomeUnknownError(place, "a caller that was gone for too long")) });
        return;
      case "full":
        finish({ result: toErrorMessage(overloadedError("too many replies that were not fetched", place)) });
        return;
      default:
        unreachable(found);
    }
  }

  /** Runs a call; never rejects. */
  async #result({ method, fingerprint, payload }: IncomingCall): Promise<CallReply> {
    try {
      return { result: await this.#host.handlers.call(method, fingerprint)(payload, this.#caller()) };
    } catch (error) {
      return { result: toErrorMessage(error) };
    }
  }

  #deliver({ method, fingerprint, payload }: Extract<RpcMessage, { kind: "tell" }>): void {
    try {
      this.#host.handlers.tell(method, fingerprint)(payload, this.#caller());
    } catch (error) {
      this.#host.onWarning(
        error instanceof MillraceError
          ? error
          : new MillraceError("MR_RPC_HANDLER_FAILED", {
              what: "What another process of the cluster told this one could not be dealt with",
              where: { method, peer: this.peerName },
              found: error instanceof Error ? error.message : String(error),
              todo: "Read the cause",
              cause: error,
            }),
      );
    }
  }

  #caller(): RpcCaller {
    const { fence } = this.#host;
    const { epoch } = this;
    return {
      name: this.peerName,
      instanceId: this.peer?.instanceId ?? "",
      epoch,
      checkEpoch: () => {
        if (fence.epoch !== epoch) throw fencedError("A call was overtaken by a newer leader", epoch, fence.epoch);
      },
    };
  }

  #checkSize(payload: Uint8Array): void {
    checkFrameSize(payload.length + ENVELOPE_BYTES_MAX, this.#host.settings.frameBytesMax);
  }

  #finish(reason: MillraceError | undefined): void {
    this.#cancelTick();
    this.#leaveFence();
    if (!this.#isConnectionGone) this.#connection.close();
    const { peer } = this;
    if (peer !== undefined) this.#host.replies.disconnected(peer.instanceId, this.#host.platform.clock.monoMs());
    this.#listener.onEnd(this, reason);
  }
}

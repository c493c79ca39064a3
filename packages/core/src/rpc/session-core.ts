import { type ErrorMessage, fromErrorMessage, toErrorMessage } from "../base/error-message.ts";
import { type ErrorWhere, invariant, MillraceError, unreachable } from "../base/errors.ts";
import { type EpochFence, fencedError } from "./epoch-fence.ts";
import type { CallKey } from "./reply-cache.ts";
import type { RpcMessage } from "./rpc-message.ts";

/** Who speaks. @internal */
export interface RpcIdentity {
  /** For people: "jobmanager", "taskmanager 3 on host-b". */
  readonly name: string;
  /** Of this process, another one after every start. */
  readonly instanceId: string;
  /** The epoch of its leadership; undefined for those who follow a leader. */
  readonly leaderEpoch: number | undefined;
}

/** The other side, as it said in its greeting. @internal */
export interface RpcPeer {
  readonly name: string;
  readonly instanceId: string;
  readonly isLeader: boolean;
}

/** How a call of this side came out. Every call comes out exactly once. @internal */
export type CallOutcome =
  | { readonly kind: "reply"; readonly payload: Uint8Array }
  /** The other side has answered with an error. */
  | { readonly kind: "failure"; readonly error: ErrorMessage }
  | { readonly kind: "timeout" }
  /** The session has ended; whether the call has run is not known. */
  | { readonly kind: "lost"; readonly reason: MillraceError | undefined };

/** A call of the other side. @internal */
export type IncomingCall = Extract<RpcMessage, { kind: "call" }>;

/** What the driver has to do, in this order. @internal */
export type SessionAction =
  | { readonly kind: "send"; readonly message: RpcMessage }
  | { readonly kind: "opened"; readonly peer: RpcPeer; readonly epoch: number }
  | { readonly kind: "run"; readonly call: IncomingCall }
  | { readonly kind: "deliver"; readonly tell: Extract<RpcMessage, { kind: "tell" }> }
  | { readonly kind: "settle"; readonly callId: number; readonly outcome: CallOutcome }
  /** Always the last one. What was sent before still goes out. */
  | { readonly kind: "end"; readonly reason: MillraceError | undefined };

/** @internal */
export interface SessionCoreOptions {
  readonly identity: RpcIdentity;
  readonly fence: EpochFence;
  /** Who dials greets first. */
  readonly isDialer: boolean;
  readonly pendingCallsMax: number;
  readonly runningCallsMax: number;
}

/**
 * One session between two processes: the greeting, calls in both directions, and its end. Pure: messages and events in,
 * actions out; the driver has the connection, the clock and the handlers.
 *
 * - Q1. Every call of this side is settled exactly once: by its reply or failure, its timeout, or the end of the session.
 * - Q2. Calls and tells of the other side run in the order they were sent, each at most once.
 * - Q3. Nothing runs that was sent under an epoch other than the session's, and the session's is the newest this process
 *   has heard of (I6). A newer epoch ends the session.
 * - Q4. After the end nothing is sent, run or settled.
 * @internal
 */
export class RpcSessionCore {
  readonly #options: SessionCoreOptions;
  readonly #pending: Set<number> = new Set();
  readonly #running: Set<number> = new Set();
  #state: "greeting" | "open" | "ended" = "greeting";
  #peer: RpcPeer | undefined;
  #epoch = 0;
  #lastCallId = 0;
  #lastPeerCallId = 0;

  constructor(options: SessionCoreOptions) {
    this.#options = options;
  }

  get state(): "greeting" | "open" | "ended" {
    return this.#state;
  }

  get peer(): RpcPeer | undefined {
    return this.#peer;
  }

  /** The epoch that the session is under; every message carries it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The connection stands. */
  start(): SessionAction[] {
    return this.#options.isDialer ? [this.#greeting()] : [];
  }

  /** A call of this side, in an open session. Undefined when too many wait for their replies. */
  call(
    method: { readonly name: string; readonly fingerprint: number },
    payload: Uint8Array,
    key: CallKey | undefined,
  ): { readonly callId: number; readonly actions: SessionAction[] } | undefined {
    invariant(this.#state === "open", "calls need an open session");
    if (this.#pending.size >= this.#options.pendingCallsMax) return undefined;
    const callId = ++this.#lastCallId;
    this.#pending.add(callId);
    const { name, fingerprint } = method;
    const message: RpcMessage = { kind: "call", epoch: this.#epoch, callId, method: name, fingerprint, key, payload };
    return { callId, actions: [{ kind: "send", message }] };
  }

  tell(method: { readonly name: string; readonly fingerprint: number }, payload: Uint8Array): SessionAction[] {
    if (this.#state !== "open") return [];
    const { name, fingerprint } = method;
    return [{ kind: "send", message: { kind: "tell", epoch: this.#epoch, method: name, fingerprint, payload } }];
  }

  beat(): SessionAction[] {
    return this.#state === "open" ? [{ kind: "send", message: { kind: "beat", epoch: this.#epoch } }] : [];
  }

  timeout(callId: number): SessionAction[] {
    return this.#settle(callId, { kind: "timeout" });
  }

  /** A call of the other side that was `run` has come to its result. */
  finished(callId: number, result: Uint8Array | ErrorMessage): SessionAction[] {
    if (this.#state !== "open" || !this.#running.delete(callId)) return [];
    return [{ kind: "send", message: this.#answer(callId, result) }];
  }

  onMessage(message: RpcMessage): SessionAction[] {
    if (this.#state === "ended") return [];
    if (message.kind === "goodbye") return this.#onGoodbye(message);
    if (this.#state === "greeting") return this.#onGreeting(message);
    if (message.kind === "hello") return this.refuse(this.#protocolError("a second greeting", "one"));
    if (message.epoch !== this.#epoch) return this.#onOtherEpoch(message);
    switch (message.kind) {
      case "call":
        return this.#onCall(message);
      case "tell":
        return [{ kind: "deliver", tell: message }];
      case "reply":
        return this.#onAnswer(message.callId, { kind: "reply", payload: message.payload });
      case "failure":
        return this.#onAnswer(message.callId, { kind: "failure", error: message.error });
      case "beat":
        return [];
      default:
        return unreachable(message);
    }
  }

  /** Ends the session from this side and says why. */
  refuse(reason: MillraceError | undefined): SessionAction[] {
    if (this.#state === "ended") return [];
    const error = reason === undefined ? undefined : toErrorMessage(reason);
    const goodbye: RpcMessage = { kind: "goodbye", epoch: this.#options.fence.epoch, error };
    return [{ kind: "send", message: goodbye }, ...this.#end(reason)];
  }

  /** The fence has moved beyond this session. */
  fenced(epoch: number): SessionAction[] {
    if (this.#state !== "open" || epoch <= this.#epoch) return [];
    return this.refuse(fencedError("A session was ended because a newer leader has come", this.#epoch, epoch));
  }

  /** The connection is gone. */
  lost(reason: MillraceError | undefined): SessionAction[] {
    return this.#state === "ended" ? [] : this.#end(reason);
  }

  #onGreeting(message: Exclude<RpcMessage, { kind: "goodbye" }>): SessionAction[] {
    if (message.kind !== "hello")
      return this.refuse(this.#protocolError(`a ${message.kind} before the greeting`, "a hello"));
    const { fence, identity, isDialer } = this.#options;
    fence.observe(message.epoch);
    if (message.isLeader && message.epoch < fence.epoch) {
      return this.refuse(fencedError(`${message.name} leads no more`, message.epoch, fence.epoch));
    }
    if (identity.leaderEpoch !== undefined && identity.leaderEpoch < fence.epoch) {
      return this.refuse(fencedError(`${identity.name} leads no more`, identity.leaderEpoch, fence.epoch));
    }
    this.#state = "open";
    this.#epoch = fence.epoch;
    const { name, instanceId, isLeader } = message;
    this.#peer = { name, instanceId, isLeader };
    const opened: SessionAction = { kind: "opened", peer: this.#peer, epoch: this.#epoch };
    return isDialer ? [opened] : [this.#greeting(), opened];
  }

  /** A leader that was replaced may learn it here: then the fence ends this session before its own reason does. */
  #onGoodbye({ epoch, error }: Extract<RpcMessage, { kind: "goodbye" }>): SessionAction[] {
    this.#options.fence.observe(epoch);
    return this.lost(reasonOf(error));
  }

  #greeting(): SessionAction {
    const { name, instanceId, leaderEpoch } = this.#options.identity;
    const epoch = leaderEpoch ?? this.#options.fence.epoch;
    return { kind: "send", message: { kind: "hello", name, instanceId, epoch, isLeader: leaderEpoch !== undefined } };
  }

  /** The session's epoch is the newest that was heard of, so another one is either stale or ends this session. */
  #onOtherEpoch(message: Extract<RpcMessage, { epoch: number }>): SessionAction[] {
    const { fence } = this.#options;
    const sentUnder = message.epoch;
    if (sentUnder > this.#epoch) {
      fence.observe(sentUnder);
      return this.fenced(fence.epoch);
    }
    const stale = fencedError("A message was refused because a newer leader has come", sentUnder, this.#epoch);
    const answer: SessionAction[] =
      message.kind === "call" ? [{ kind: "send", message: this.#answer(message.callId, toErrorMessage(stale)) }] : [];
    return [...answer, ...this.refuse(stale)];
  }

  #onCall(call: IncomingCall): SessionAction[] {
    // Ids rise, so a call that came twice would be seen.
    if (call.callId <= this.#lastPeerCallId) {
      return this.refuse(this.#protocolError(`call ${call.callId}`, `more than ${this.#lastPeerCallId}`));
    }
    this.#lastPeerCallId = call.callId;
    if (this.#running.size >= this.#options.runningCallsMax) {
      const error = toErrorMessage(overloadedError(`${this.#running.size} calls are running for one caller`));
      return [{ kind: "send", message: this.#answer(call.callId, error) }];
    }
    this.#running.add(call.callId);
    return [{ kind: "run", call }];
  }

  #onAnswer(callId: number, outcome: CallOutcome): SessionAction[] {
    if (callId === 0 || callId > this.#lastCallId) {
      return this.refuse(this.#protocolError(`an answer to call ${callId}`, `at most ${this.#lastCallId}`));
    }
    return this.#settle(callId, outcome);
  }

  /** Nothing when the call was settled before: a reply after its timeout, say. */
  #settle(callId: number, outcome: CallOutcome): SessionAction[] {
    return this.#pending.delete(callId) ? [{ kind: "settle", callId, outcome }] : [];
  }

  #end(reason: MillraceError | undefined): SessionAction[] {
    const settled = [...this.#pending].flatMap((callId) => this.#settle(callId, { kind: "lost", reason }));
    this.#state = "ended";
    this.#running.clear();
    return [...settled, { kind: "end", reason }];
  }

  #answer(callId: number, result: Uint8Array | ErrorMessage): RpcMessage {
    return result instanceof Uint8Array
      ? { kind: "reply", epoch: this.#epoch, callId, payload: result }
      : { kind: "failure", epoch: this.#epoch, callId, error: result };
  }

  #protocolError(found: string, expected: string): MillraceError {
    const where: ErrorWhere = this.#peer === undefined ? {} : { peer: this.#peer.name };
    return new MillraceError("MR_RPC_MESSAGE_INVALID", {
      what: "A process of the cluster does not keep to the protocol",
      where,
      found,
      expected,
      todo: "Run the same version of Millrace in all processes of a cluster",
    });
  }
}

/** Why the other side has ended the session; what has no code of ours is named as what it is. */
function reasonOf(error: ErrorMessage | undefined): MillraceError | undefined {
  if (error === undefined) return undefined;
  const thrown = fromErrorMessage(error);
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError("MR_RPC_HANDLER_FAILED", {
    what: "The other process has ended the session because of an error of its own",
    found: thrown.message,
    todo: "Read the cause",
    cause: thrown,
  });
}

/** @internal */
export function overloadedError(found: string, where: ErrorWhere = {}): MillraceError {
  return new MillraceError("MR_RPC_OVERLOADED", {
    what: "A process of the cluster has more to do for another one than it takes on",
    where,
    found,
    todo: "Look for what keeps the process busy, or for a network that is too slow",
  });
}

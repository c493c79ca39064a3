/** Which of a caller's calls this is; the caller counts all that it may repeat. @internal */
export interface CallKey {
  /** From 1. */
  readonly sequence: number;
  /** The caller has an answer for every call below, and will not ask again. */
  readonly settledBelow: number;
  /** It was sent before, and may have run. */
  readonly isRetry: boolean;
}

/** @internal */
export type ReplyLookup<Reply> =
  | { readonly kind: "run" }
  | { readonly kind: "running"; onReply(listener: (reply: Reply) => void): void }
  | { readonly kind: "replied"; readonly reply: Reply }
  | { readonly kind: "unknown" }
  | { readonly kind: "full" };

interface Entry<Reply> {
  reply: Reply | undefined;
  readonly listeners: ((reply: Reply) => void)[];
}

interface Caller<Reply> {
  readonly entries: Map<number, Entry<Reply>>;
  lastSequence: number;
  settledBelow: number;
  sessionCount: number;
  idleSinceMs: number;
}

/** @internal */
export interface ReplyCacheLimits {
  readonly repliesPerCallerMax: number;
  /** How long replies are kept for a caller that has no session. */
  readonly retentionMs: number;
}

/** A caller itself is forgotten after this many times the retention: no call waits that long. */
const FORGET_FACTOR = 100;

/**
 * Remembers the replies to calls that their callers may repeat, so that a lost reply does not make a call run twice.
 * Callers are told apart by the id of their process.
 *
 * - P1. A call runs once for a caller and sequence number, whatever is repeated.
 * - P2. What cannot be known any more is refused, not run: `unknown`.
 * - P3. Replies are dropped when their caller has settled them, or `retentionMs` after its last session ended. That there
 *   was such a caller, and how far it had counted, is known for a hundred times as long.
 * @internal
 */
export class ReplyCache<Reply extends object> {
  readonly #limits: ReplyCacheLimits;
  readonly #callers: Map<string, Caller<Reply>> = new Map();

  constructor(limits: ReplyCacheLimits) {
    this.#limits = limits;
  }

  /** A session with the caller begins; calls come only after it. */
  connected(callerId: string, nowMs: number): void {
    const caller = this.#callers.get(callerId);
    if (caller !== undefined) caller.sessionCount++;
    else {
      const fresh = { entries: new Map(), lastSequence: 0, settledBelow: 1, sessionCount: 1, idleSinceMs: nowMs };
      this.#callers.set(callerId, fresh);
    }
    this.#expire(nowMs);
  }

  disconnected(callerId: string, nowMs: number): void {
    const caller = this.#callers.get(callerId);
    if (caller === undefined) return;
    caller.sessionCount--;
    caller.idleSinceMs = nowMs;
  }

  /** What to do with a call that came. After `run`, {@link ReplyCache.finish} has to follow. */
  begin(callerId: string, { sequence, settledBelow }: CallKey): ReplyLookup<Reply> {
    const caller = this.#callers.get(callerId);
    if (caller === undefined) return { kind: "unknown" };
    if (settledBelow > caller.settledBelow) settle(caller, settledBelow);
    // A copy that was long under way, or one of a caller that was gone for too long.
    if (sequence < caller.settledBelow) return { kind: "unknown" };
    const entry = caller.entries.get(sequence);
    if (entry?.reply !== undefined) return { kind: "replied", reply: entry.reply };
    if (entry !== undefined) return { kind: "running", onReply: (listener) => void entry.listeners.push(listener) };
    if (caller.entries.size >= this.#limits.repliesPerCallerMax) return { kind: "full" };
    caller.entries.set(sequence, { reply: undefined, listeners: [] });
    caller.lastSequence = Math.max(caller.lastSequence, sequence);
    return { kind: "run" };
  }

  finish(callerId: string, sequence: number, reply: Reply): void {
    const entry = this.#callers.get(callerId)?.entries.get(sequence);
    if (entry === undefined) return;
    entry.reply = reply;
    for (const listener of entry.listeners.splice(0)) listener(reply);
  }

  get callerCount(): number {
    return this.#callers.size;
  }

  #expire(nowMs: number): void {
    for (const [id, caller] of this.#callers) {
      const idleMs = nowMs - caller.idleSinceMs;
      if (caller.sessionCount > 0 || idleMs < this.#limits.retentionMs) continue;
      if ([...caller.entries.values()].some(({ reply }) => reply === undefined)) continue;
      settle(caller, caller.lastSequence + 1);
      if (idleMs >= FORGET_FACTOR * this.#limits.retentionMs) this.#callers.delete(id);
    }
  }
}

function settle<Reply>(caller: Caller<Reply>, settledBelow: number): void {
  caller.settledBelow = Math.max(caller.settledBelow, settledBelow);
  for (const sequence of caller.entries.keys()) if (sequence < settledBelow) caller.entries.delete(sequence);
}

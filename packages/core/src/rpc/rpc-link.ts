import { invariant, type MillraceError } from "../base/errors.ts";
import type { Cancel } from "../platform/platform.ts";
import type { CallKey } from "./reply-cache.ts";
import type { RpcMethod, RpcTell } from "./rpc-method.ts";
import { notConnectedError, outcomeUnknownError, responseOf, timeoutError } from "./rpc-outcome.ts";
import type { CallOptions, RpcSession, RpcSessionHost } from "./rpc-session.ts";

/** The numbers of the calls that one endpoint may repeat, over all of its links. @internal */
export class CallKeys {
  readonly #open: Set<number> = new Set();
  #last = 0;

  next(): number {
    this.#open.add(++this.#last);
    return this.#last;
  }

  settled(sequence: number): void {
    this.#open.delete(sequence);
  }

  key(sequence: number, isRetry: boolean): CallKey {
    // Sets keep the order of insertion, so the first open one is the lowest.
    const [lowest = sequence] = this.#open;
    return { sequence, settledBelow: lowest, isRetry };
  }
}

/**
 * The relation with one other process over all the sessions there will be with it. Whoever makes sessions attaches them;
 * calls go over the one that is open.
 * @internal
 */
export class RpcLink {
  protected readonly host: RpcSessionHost;
  readonly #peerName: string;
  readonly #keys: CallKeys;
  readonly #waiting: Set<(session: RpcSession | undefined) => void> = new Set();
  #session: RpcSession | undefined;
  #isClosed = false;

  constructor(host: RpcSessionHost, keys: CallKeys, peerName: string) {
    this.host = host;
    this.#keys = keys;
    this.#peerName = peerName;
  }

  /** The open session, if there is one. */
  get session(): RpcSession | undefined {
    return this.#session?.isOpen === true ? this.#session : undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** From now on calls go over this session. */
  attach(session: RpcSession): void {
    this.#session = session;
    this.#wake(session);
  }

  /**
   * Asks over the open session.
   * @throws MillraceError `MR_RPC_CONNECTION_LOST` also when there is none; otherwise as `RpcSession.call`
   */
  async call<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    const { session } = this;
    if (session === undefined) throw notConnectedError({ method: method.name, peer: this.#peerName });
    return session.call(method, request, options);
  }

  /** Tells over the open session; without one nothing happens. */
  tell<Message>(tell: RpcTell<Message>, message: Message): void {
    this.session?.tell(tell, message);
  }

  /**
   * Asks until there is an answer or the time is over, over as many sessions as it takes. The other side runs it at most
   * once, whatever is lost. Waits for a session when there is none.
   *
   * @throws MillraceError `MR_RPC_OUTCOME_UNKNOWN` when the process that may have run it is not there any more
   * @throws MillraceError `MR_RPC_TIMEOUT`, `MR_FENCED`, or the other side's own error
   */
  async callWithRetry<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const { clock } = this.host.platform;
    const timeoutMs = options.timeoutMs ?? this.host.settings.askTimeoutMs;
    const place = { method: method.name, peer: this.#peerName, timeoutMs };
    const deadlineMs = clock.monoMs() + timeoutMs;
    const payload = method.request.encode(request);
    const sequence = this.#keys.next();
    let sentTo: string | undefined;
    try {
      for (;;) {
        const session = await this.#nextSession(deadlineMs);
        if (session === undefined) throw this.#isClosed ? notConnectedError(place) : timeoutError(place);
        const instanceId = session.peer?.instanceId;
        invariant(instanceId !== undefined, "an open session knows its peer");
        if (sentTo !== undefined && sentTo !== instanceId) {
          throw outcomeUnknownError(place, "another process at its place, which cannot know");
        }
        const key = this.#keys.key(sequence, sentTo !== undefined);
        sentTo = instanceId;
        const leftMs = Math.max(0, deadlineMs - clock.monoMs());
        const outcome = await session.attempt(method, payload, { timeoutMs: leftMs, key });
        const isRepeatable = outcome.kind === "lost" && outcome.reason?.code !== "MR_FENCED" && !this.#isClosed;
        if (!isRepeatable) return responseOf(method, outcome, place);
      }
    } finally {
      this.#keys.settled(sequence);
    }
  }

  /** No more sessions will come; who waits for one is told. */
  close(reason?: MillraceError): void {
    this.#isClosed = true;
    this.#session?.end(reason);
    this.#wake(undefined);
  }

  /** The open session, or the next one; undefined when the time is over or the link is closed. */
  #nextSession(deadlineMs: number): Promise<RpcSession | undefined> {
    const { session } = this;
    if (session !== undefined || this.#isClosed) return Promise.resolve(session);
    const { clock } = this.host.platform;
    return new Promise((resolve) => {
      let cancel: Cancel = () => {};
      const settle = (next: RpcSession | undefined): void => {
        cancel();
        this.#waiting.delete(settle);
        resolve(next);
      };
      this.#waiting.add(settle);
      cancel = clock.after(Math.max(0, deadlineMs - clock.monoMs()), () => settle(undefined));
    });
  }

  #wake(session: RpcSession | undefined): void {
    for (const settle of [...this.#waiting]) settle(session);
  }
}

import { invariant, MillraceError } from "../base/errors.ts";
import type { RpcMethod, RpcTell } from "./rpc-method.ts";

/** Who has sent what a handler is about. @internal */
export interface RpcCaller {
  readonly name: string;
  readonly instanceId: string;
  /** The epoch that it was sent under. */
  readonly epoch: number;
  /**
   * Throws when a newer leader has come since. For handlers that waited for something before they change anything: that
   * the epoch was checked when the call came does not say that it still holds.
   * @throws MillraceError `MR_FENCED`
   */
  checkEpoch(): void;
}

type RunCall = (payload: Uint8Array, caller: RpcCaller) => Promise<Uint8Array>;
type RunTell = (payload: Uint8Array, caller: RpcCaller) => void;

interface Registered<Run> {
  readonly fingerprint: number;
  readonly run: Run;
}

/**
 * What an endpoint answers to. A handler runs in the order of the messages; a call may be answered later, and the next
 * one does not wait for that.
 * @internal
 */
export class RpcHandlers {
  readonly #calls: Map<string, Registered<RunCall>> = new Map();
  readonly #tells: Map<string, Registered<RunTell>> = new Map();

  on<Request, Response>(
    method: RpcMethod<Request, Response>,
    handler: (request: Request, caller: RpcCaller) => Response | Promise<Response>,
  ): this {
    invariant(!this.#calls.has(method.name), `two handlers for ${method.name}`);
    const run: RunCall = async (payload, caller) =>
      method.response.encode(await handler(method.request.decode(payload), caller));
    this.#calls.set(method.name, { fingerprint: method.fingerprint, run });
    return this;
  }

  onTell<Message>(tell: RpcTell<Message>, handler: (message: Message, caller: RpcCaller) => void): this {
    invariant(!this.#tells.has(tell.name), `two handlers for ${tell.name}`);
    const run: RunTell = (payload, caller) => handler(tell.message.decode(payload), caller);
    this.#tells.set(tell.name, { fingerprint: tell.fingerprint, run });
    return this;
  }

  /** @throws MillraceError `MR_RPC_METHOD_UNKNOWN` when there is none, or one with other types */
  call(name: string, fingerprint: number): RunCall {
    return found(name, fingerprint, this.#calls.get(name));
  }

  /** @throws MillraceError `MR_RPC_METHOD_UNKNOWN` */
  tell(name: string, fingerprint: number): RunTell {
    return found(name, fingerprint, this.#tells.get(name));
  }
}

function found<Run>(name: string, fingerprint: number, registered: Registered<Run> | undefined): Run {
  if (registered?.fingerprint === fingerprint) return registered.run;
  throw new MillraceError("MR_RPC_METHOD_UNKNOWN", {
    what: "A process of the cluster was asked for something that it cannot do",
    where: { method: name },
    found: registered === undefined ? "no such method" : "a method of that name with other types",
    todo: "Run the same version of Millrace in all processes of a cluster",
  });
}

import { fromErrorMessage } from "../base/error-message.ts";
import { MillraceError, unreachable } from "../base/errors.ts";
import type { RpcMethod } from "./rpc-method.ts";
import type { CallOutcome } from "./session-core.ts";

/** @internal */
export interface CallPlace {
  readonly method: string;
  readonly peer: string;
}

/**
 * What the caller gets: the response, or the failure by name. A coded error of the other side is itself, with its stack;
 * any other is the cause of one.
 * @internal
 */
export function responseOf<Request, Response>(
  method: RpcMethod<Request, Response>,
  outcome: CallOutcome,
  place: CallPlace & { readonly timeoutMs: number },
): Response {
  switch (outcome.kind) {
    case "reply":
      return method.response.decode(outcome.payload);
    case "failure":
      throw remoteError(fromErrorMessage(outcome.error), place);
    case "timeout":
      throw timeoutError(place);
    case "lost":
      throw lostError(outcome.reason, place);
    default:
      return unreachable(outcome);
  }
}

/** @internal */
export function timeoutError({ method, peer, timeoutMs }: CallPlace & { readonly timeoutMs: number }): MillraceError {
  return new MillraceError("MR_RPC_TIMEOUT", {
    what: "Another process of the cluster has not answered in time; it may have done what it was asked",
    where: { method, peer },
    found: `no answer after ${timeoutMs} ms`,
    todo: "Look for what keeps the process busy, or raise pekko.ask.timeout",
  });
}

/** @internal */
export function notConnectedError({ method, peer }: CallPlace): MillraceError {
  return new MillraceError("MR_RPC_CONNECTION_LOST", {
    what: "Another process of the cluster cannot be asked: there is no connection to it",
    where: { method, peer },
    todo: "See whether the process runs and can be reached; the connection is made again by itself",
  });
}

/** @internal */
export function outcomeUnknownError({ method, peer }: CallPlace, found: string): MillraceError {
  return new MillraceError("MR_RPC_OUTCOME_UNKNOWN", {
    what: "A call was repeated, and nobody knows any more whether it has run before; it was not run again",
    where: { method, peer },
    found,
    todo: "See whether what was asked for has happened, and ask again if not",
  });
}

function lostError(reason: MillraceError | undefined, { method, peer }: CallPlace): MillraceError {
  if (reason?.code === "MR_FENCED") return reason;
  return new MillraceError("MR_RPC_CONNECTION_LOST", {
    what: "The connection to another process of the cluster ended before its answer came; it may have done what it was asked",
    where: { method, peer },
    ...(reason === undefined ? {} : { found: reason.message, cause: reason }),
    todo: "See whether the process still runs; the connection is made again by itself",
  });
}

function remoteError(error: Error, { method, peer }: CallPlace): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError("MR_RPC_HANDLER_FAILED", {
    what: "Another process of the cluster failed at what it was asked",
    where: { method, peer },
    found: error.message,
    todo: "Read the cause, which has the stack of the other process",
    cause: error,
  });
}

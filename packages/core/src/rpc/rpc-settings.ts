import { MillraceError } from "../base/errors.ts";
import { ASK_TIMEOUT, FRAME_SIZE, HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT } from "../config/cluster-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { type BackoffTimes, RECONNECT_TIMES } from "./reconnect-backoff.ts";

/** The limits and times of all sessions of an endpoint. @internal */
export interface RpcSettings {
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** How long a call waits for its reply unless it says otherwise. */
  readonly askTimeoutMs: number;
  readonly frameBytesMax: number;
  /** Calls of this side that wait for a reply, for each session. */
  readonly pendingCallsMax: number;
  /** Calls of the other side that run, for each session. */
  readonly runningCallsMax: number;
  /** Bytes that were sent and not taken, for each session. */
  readonly unsentBytesMax: number;
  /** How long the replies to a caller that is gone are kept, in case it comes back and asks again. */
  readonly replyRetentionMs: number;
  readonly reconnect: BackoffTimes;
}

/** What nobody has to set. @internal */
export const RPC_LIMITS: Pick<
  RpcSettings,
  "pendingCallsMax" | "runningCallsMax" | "unsentBytesMax" | "replyRetentionMs" | "reconnect"
> = {
  pendingCallsMax: 10_000,
  runningCallsMax: 10_000,
  unsentBytesMax: 64 * 1024 * 1024,
  replyRetentionMs: 600_000,
  reconnect: RECONNECT_TIMES,
};

/**
 * Reads the settings of a process of a cluster.
 * @throws MillraceError `MR_CONFIG_INVALID` when a peer would be given up before its first sign of life is due
 * @internal
 */
export function rpcSettings(configuration: Configuration): RpcSettings {
  const heartbeatIntervalMs = configuration.get(HEARTBEAT_INTERVAL);
  const heartbeatTimeoutMs = configuration.get(HEARTBEAT_TIMEOUT);
  if (heartbeatTimeoutMs <= heartbeatIntervalMs) {
    throw new MillraceError("MR_CONFIG_INVALID", {
      what: `${HEARTBEAT_TIMEOUT.key} leaves no time for a heartbeat`,
      found: `a timeout of ${heartbeatTimeoutMs} ms with a heartbeat every ${heartbeatIntervalMs} ms`,
      expected: `more than ${HEARTBEAT_INTERVAL.key}`,
      todo: "Set a longer timeout or a shorter interval; three to four intervals are usual",
    });
  }
  return {
    ...RPC_LIMITS,
    heartbeatIntervalMs,
    heartbeatTimeoutMs,
    askTimeoutMs: configuration.get(ASK_TIMEOUT),
    frameBytesMax: configuration.get(FRAME_SIZE),
  };
}

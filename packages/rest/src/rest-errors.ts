/** What goes wrong between a client and the REST endpoint of a JobManager, by name. */
import { MillraceError } from "millrace/internal";

export function unreachable(address: string, cause: unknown): MillraceError {
  return new MillraceError("MR_REST_UNREACHABLE", {
    what: "No JobManager answers",
    where: { address },
    found: reasonOf(cause),
    todo: "See whether the JobManager runs and whether this is its REST address (rest.address, rest.port); start one with millrace jobmanager",
    cause,
  });
}

export function answerInvalid(address: string, request: string, found: string): MillraceError {
  return new MillraceError("MR_REST_ANSWER_INVALID", {
    what: "What answers is no JobManager, or one of another version",
    where: { address, request },
    found,
    expected: "an answer of the REST API v1",
    todo: "See what listens at this address; rest.port is that of the JobManager's REST endpoint, not jobmanager.rpc.port",
  });
}

export function refused(address: string, request: string, found: string): MillraceError {
  return new MillraceError("MR_REST_REFUSED", {
    what: "The JobManager has refused the request",
    where: { address, request },
    found,
    todo: "See what the answer says",
  });
}

/** `fetch` hides what happened behind "fetch failed". */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { cause: inner } = cause;
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) return inner.errors[0].message;
  return inner instanceof Error ? inner.message : cause.message;
}

export function portsTaken(host: string, ports: readonly number[], cause: unknown): MillraceError {
  const last = ports.length > 1 ? ` to ${ports.at(-1)}` : "";
  return new MillraceError("MR_LISTEN_FAILED", {
    what: "The REST API cannot listen",
    where: { host, port: `${ports[0]}${last}` },
    found: reasonOf(cause),
    expected: "a free port",
    todo: "End what has the port, or choose others with rest.bind-port (0 is any free one)",
    cause,
  });
}

/** What the REST API refuses, by name, and the status and body with which failures are answered. */
import { MillraceError, toErrorMessage } from "millrace/internal";
import type { ErrorBody } from "./rest-bodies.ts";

/** Characters of what a client has sent that are shown back. */
const SHOWN_MAX = 120;

export function requestInvalid(what: string, found: unknown, expected: string): MillraceError {
  return new MillraceError("MR_REST_REQUEST_INVALID", {
    what,
    found: shown(found),
    expected,
    todo: "Correct the request; the reference of the REST API says what each one takes",
  });
}

export function notFound(what: string, id: string): MillraceError {
  return new MillraceError("MR_REST_NOT_FOUND", {
    what: `Not found: ${what}`,
    where: { id: id.slice(0, SHOWN_MAX) },
    todo: "See what there is, one level above; what has ended long ago is forgotten",
  });
}

export function forbidden(what: string, found: string, todo: string): MillraceError {
  return new MillraceError("MR_REST_FORBIDDEN", { what, found: shown(found), todo });
}

export function tooLarge(bytesMax: number): MillraceError {
  return new MillraceError("MR_REST_CONTENT_TOO_LARGE", {
    what: "The request is larger than the JobManager takes",
    expected: `at most ${bytesMax} bytes (rest.server.max-content-length; 1 MiB for what is no file)`,
    todo: "Make it smaller, for a job by leaving out what it does not need, or raise rest.server.max-content-length",
  });
}

/** @internal */
export interface FailureAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  /** Nobody but the JobManager itself is at fault. */
  readonly isOwn: boolean;
}

/** What is wrong with the request, or with what it is about; everything else is the JobManager's own failure. */
const STATUSES: Readonly<Record<string, number>> = {
  MR_JOB_UNKNOWN: 404,
  MR_OPERATION_UNKNOWN: 404,
  MR_REST_NOT_FOUND: 404,
  MR_REST_REQUEST_INVALID: 400,
  MR_REST_CONTENT_TOO_LARGE: 413,
  MR_REST_FORBIDDEN: 403,
  MR_JAR_INVALID: 400,
  MR_JOB_CODE_INVALID: 400,
  MR_JOB_ID_INVALID: 400,
  MR_CONFIG_INVALID: 400,
  MR_CONFIG_UNSUPPORTED: 400,
  MR_JOB_NOT_RUNNING: 409,
  MR_FENCED: 503,
  MR_JOBMANAGER_STOPPED: 503,
};

/** @param bytesMax - `rest.server.max-content-length`. */
export function failureAnswer(thrown: unknown, bytesMax: number): FailureAnswer {
  const error = known(thrown, bytesMax);
  const coded = error instanceof MillraceError ? STATUSES[error.code] : undefined;
  const status = clientStatusOf(thrown) ?? coded ?? 500;
  const { stack: _, ...message } = toErrorMessage(error);
  return { status, body: { errors: [error.message], error: { ...message, stack: undefined } }, isOwn: status === 500 };
}

/** Failures of the libraries below, in our words. */
function known(thrown: unknown, bytesMax: number): Error {
  if (thrown instanceof MillraceError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const status = clientStatusOf(error);
  if (status === 413) return tooLarge(bytesMax);
  if (status !== undefined)
    return requestInvalid("The request cannot be read", error.message, "a request as HTTP has them");
  return error;
}

function clientStatusOf(thrown: unknown): number | undefined {
  if (thrown instanceof MillraceError) return undefined;
  const status = (thrown as { readonly statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
}

function shown(found: unknown): string {
  const text = typeof found === "string" ? found : (JSON.stringify(found) ?? String(found));
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** A job that has ended, or has not been loaded: there is nothing to tell, or to do. */
export function detailsGone(jobId: string, status: string): MillraceError {
  return new MillraceError("MR_JOB_NOT_RUNNING", {
    what: "This can only be asked of a job that runs, or has run since the JobManager began",
    where: { jobId },
    found: `the job is ${status}`,
    todo: "Wait until the job runs; one that has ended can be started again",
  });
}

import { FileSystemError } from "millrace";
import { parseXml, textOf, XmlError } from "./xml.ts";

/** An answer of S3 that is a refusal. @internal */
export class S3Error extends Error {
  readonly status: number;
  /** As S3 calls it, `NoSuchKey`; empty when it says nothing. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super([String(status), code, message].filter((part) => part !== "").join(" "));
    this.name = "S3Error";
    this.status = status;
    this.code = code;
  }
}

/** A request that was not answered, or whose answer is not whole or not the one that belongs to it. @internal */
export class S3AnswerError extends Error {
  override readonly name = "S3AnswerError";
}

/** The refusal that an answer's document is. @internal */
export function errorOf(status: number, document: string): S3Error {
  try {
    const root = parseXml(document);
    // Not all of the document: some services repeat what was signed.
    if (root.name === "Error") return new S3Error(status, textOf(root, "Code") ?? "", textOf(root, "Message") ?? "");
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
  }
  return new S3Error(status, "", "");
}

const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
const PASSING_CODES: ReadonlySet<string> = new Set([
  "BadDigest",
  "ConditionalRequestConflict",
  "IncompleteBody",
  "InternalError",
  "OperationAborted",
  "RequestTimeout",
  "ServiceUnavailable",
  "SlowDown",
  "XAmzContentSHA256Mismatch",
]);

/** Whether it may be gone the next time. @internal */
export function isPassing(error: unknown): boolean {
  if (error instanceof S3Error) return PASSING_STATUS.has(error.status) || PASSING_CODES.has(error.code);
  return error instanceof S3AnswerError || error instanceof XmlError;
}

/** What a failure means for the file; others stay as they are. @internal */
export function fileSystemError(error: unknown, operation: string, path: string): unknown {
  if (!(error instanceof Error) || error instanceof FileSystemError) return error;
  if (isPassing(error)) return new FileSystemError("EREMOTEIO", `${operation} (${error.message})`, path, error);
  if (!(error instanceof S3Error)) return error;
  return new FileSystemError(errnoOf(error), `${operation} (${error.message})`, path, error);
}

function errnoOf({ status, code }: S3Error): string {
  if (/quota|storagefull|insufficientstorage/i.test(code) || status === 507) return "ENOSPC";
  if (status === 404) return "ENOENT";
  if (status === 401 || status === 403 || code === "ExpiredToken" || code === "InvalidToken") return "EACCES";
  return status === 412 ? "EEXIST" : "EINVAL";
}

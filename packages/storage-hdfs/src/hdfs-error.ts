import { FileSystemError } from "millrace";

/** A refusal by a NameNode or DataNode. @internal */
export class HdfsError extends Error {
  readonly status: number;
  /** The Java exception's name, `FileNotFoundException`; empty when there is none. */
  readonly exception: string;

  constructor(status: number, exception: string, message: string) {
    // The first line: behind it is the stack of the server.
    super([String(status), exception, message.split("\n")[0]!].filter((part) => part !== "").join(" "));
    this.name = "HdfsError";
    this.status = status;
    this.exception = exception;
  }
}

/** A request that was not answered, or whose answer is not whole or not what was asked for. @internal */
export class HdfsAnswerError extends Error {
  override readonly name = "HdfsAnswerError";
}

/** @internal */
export function errorOf(status: number, body: Uint8Array): HdfsError {
  const remote = remoteException(new TextDecoder().decode(body));
  return new HdfsError(status, remote?.exception ?? "", remote?.message ?? "");
}

function remoteException(text: string): { readonly exception: string; readonly message: string } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy's page, or nothing: the status has to say it all.
    return undefined;
  }
  const remote = fieldOf(answer, "RemoteException");
  const [exception, message] = [fieldOf(remote, "exception"), fieldOf(remote, "message")];
  return typeof exception === "string" ? { exception, message: typeof message === "string" ? message : "" } : undefined;
}

/** @internal */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** The NameNode is not the active one, not ready, or has no DataNode right now. */
const PASSING_EXCEPTIONS: ReadonlySet<string> = new Set([
  "NoNamenodeException",
  "NotReplicatedYetException",
  "ObserverRetryOnActiveException",
  "RetriableException",
  "SafeModeException",
  "ServerTooBusyException",
  "StandbyException",
]);

/** Whether it may be gone the next time. @internal */
export function isPassing(error: unknown): boolean {
  if (error instanceof HdfsAnswerError) return true;
  if (!(error instanceof HdfsError)) return false;
  if (PASSING_EXCEPTIONS.has(error.exception)) return true;
  // What is not one of the known refusals is the failure of a disk or a connection behind the NameNode.
  if (error.exception === "IOException" || error.exception === "BlockMissingException") return true;
  return error.exception === "" && (error.status >= 500 || error.status === 408 || error.status === 429);
}

/** Nothing is there. @internal */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof HdfsError)) return false;
  // What would be below a file is told as one or the other.
  const isBelowFile = error.exception === "ParentNotDirectoryException" || /is not a directory/i.test(error.message);
  return error.exception === "FileNotFoundException" || isBelowFile || (error.exception === "" && error.status === 404);
}

/** What a failure means for the file; others stay as they are. @internal */
export function fileSystemError(error: unknown, operation: string, path: string): unknown {
  if (error instanceof FileSystemError || !(error instanceof Error)) return error;
  if (isPassing(error)) return new FileSystemError("EREMOTEIO", `${operation} (${error.message})`, path, error);
  if (!(error instanceof HdfsError)) return error;
  return new FileSystemError(errnoOf(error), `${operation} (${error.message})`, path, error);
}

function errnoOf(error: HdfsError): string {
  const { exception, status } = error;
  if (isMissing(error)) return "ENOENT";
  if (/Quota/.test(exception)) return "ENOSPC";
  if (exception === "FileAlreadyExistsException") return "EEXIST";
  return status === 401 || exception === "AccessControlException" || exception === "SecurityException"
    ? "EACCES"
    : "EINVAL";
}

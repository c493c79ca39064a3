import { FileSystemError, MillraceError } from "millrace";

/** The coded form of a failed write; anything that is no file system's failure is passed through. @internal */
export function writeFailure(error: unknown): unknown {
  if (!(error instanceof FileSystemError)) return error;
  if (error.errno === "ENOSPC" || error.errno === "EDQUOT") {
    return new MillraceError("MR_DISK_FULL", {
      what: "A file sink has no space left to write",
      where: { file: error.path },
      found: error.errno,
      todo: "Make space on the disk; the job goes on from its last checkpoint, and nothing unfinished is visible",
      cause: error,
    });
  }
  return new MillraceError("MR_FILE_UNWRITABLE", {
    what: "A file sink cannot write",
    where: { file: error.path },
    found: error.errno,
    todo: "Check the directory's permissions and the disk; the job goes on from its last checkpoint",
    cause: error,
  });
}

/** @internal */
export function dataLost(file: string, found: string, expectedBytes: number): MillraceError {
  return new MillraceError("MR_SINK_DATA_LOST", {
    what: "A file that the restored checkpoint continues has lost data",
    where: { file },
    found,
    expected: `at least ${expectedBytes} bytes`,
    todo: "Start the job with the arguments that it had, if it looks in another place; or bring the file back, or restore from a checkpoint whose files are complete",
  });
}

/** @internal */
export function commitLost(file: string, found: string, expectedBytes: number): MillraceError {
  return new MillraceError("MR_COMMIT_LOST", {
    what: "A finished file cannot be committed: it is neither waiting nor committed",
    where: { file },
    found,
    expected: `a file of ${expectedBytes} bytes`,
    todo: "Bring the in-progress file back, or restore from an earlier checkpoint, which writes it again",
  });
}

/** @internal */
export function directoryNotEmpty(directory: string, name: string): MillraceError {
  return new MillraceError("MR_SINK_DIRECTORY_NOT_EMPTY", {
    what: "A file sink that must not meet earlier results has found some",
    where: { directory },
    found: name,
    expected: 'no committed parts, as existing: "fail" asks for',
    todo: 'Remove the earlier results, choose another directory, or use existing: "replace" or "append"',
  });
}

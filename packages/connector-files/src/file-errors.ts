import { type ErrorWhere, FileSystemError, MillraceError } from "millrace";

/** The coded form of a failed read; anything that is no file system's failure is passed through. @internal */
export function readFailure(path: string, error: unknown): unknown {
  if (!(error instanceof FileSystemError)) return error;
  if (error.errno === "ENOENT" || error.errno === "ENOTDIR") return fileNotFound(path, error);
  return new MillraceError("MR_FILE_UNREADABLE", {
    what: "A file of a file source cannot be read",
    where: { file: path },
    found: error.errno,
    todo: "Check the file's permissions and the disk, then restart the job",
    cause: error,
  });
}

/** @internal */
export function fileNotFound(path: string, cause?: unknown): MillraceError {
  return new MillraceError("MR_FILE_NOT_FOUND", {
    what: "A file source's input does not exist",
    where: { file: path },
    found: "no file or directory of this name",
    expected: "a readable file, or a directory of files",
    todo: "Correct the path; relative paths start at the working directory of the process",
    cause,
  });
}

/** @internal */
export function fileCorrupt(path: string, parts: { found: string; expected: string; cause?: unknown }): MillraceError {
  return new MillraceError("MR_FILE_CORRUPT", {
    what: "A file is damaged or not of the declared format",
    where: { file: path },
    found: parts.found,
    expected: parts.expected,
    todo: "Check that the file was written completely and that the source names its real format",
    cause: parts.cause,
  });
}

/** @internal */
export function columnMissing(path: string, column: string, found: readonly string[]): MillraceError {
  const near = nearestName(column, found);
  return new MillraceError("MR_COLUMN_MISSING", {
    what: `A file has no column ${JSON.stringify(column)}`,
    where: { file: path, column },
    found: found.length === 0 ? "no columns" : `columns ${found.map((name) => JSON.stringify(name)).join(", ")}`,
    expected: `a column ${JSON.stringify(column)}, as the declared type says`,
    todo:
      near === undefined
        ? "Correct the declared type, or declare the field as optional"
        : `Did you mean ${JSON.stringify(near)}? Correct the declared type`,
  });
}

/** A record that cannot be decoded; the source's error policy decides what it costs. @internal */
export function recordUnreadable(
  where: ErrorWhere,
  parts: { found: string; expected: string; cause?: unknown },
): MillraceError {
  return new MillraceError("MR_RECORD_UNREADABLE", {
    what: "A record cannot be read",
    where,
    found: parts.found,
    expected: parts.expected,
    todo: "Correct the record, or choose the error policy that skips or collects unreadable records",
    cause: parts.cause,
  });
}

// A typo is at most two letters away, and never most of the name.
function nearestName(wanted: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.ceil(wanted.length / 2) + 1);
  for (const name of names) {
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = previous[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[right.length]!;
}

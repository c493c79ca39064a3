import { MillraceError } from "./errors.ts";

// Two letters at least: `C:` is a drive.
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/** The scheme of a URL, in lower case; undefined for a path. @internal */
export function schemeOf(text: string): string | undefined {
  return SCHEME.exec(text)?.[1]?.toLowerCase();
}

/**
 * The path that somebody gave as a path or as a `file:` URL.
 *
 * @param what - What lies there, for the message: `"The checkpoint"`.
 * @throws MillraceError `MR_FILE_SYSTEM_UNSUPPORTED` for a URL of another file system
 * @internal
 */
export function localPathOf(text: string, what: string): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return text;
  if (scheme === "file") return decodeURIComponent(new URL(text).pathname);
  throw new MillraceError("MR_FILE_SYSTEM_UNSUPPORTED", {
    what: `${what} lies in a file system that this release cannot reach`,
    found: text,
    expected: "a path, or a file: URL",
    todo: "Mount it and give the path, or use a directory that all machines of the job share",
  });
}

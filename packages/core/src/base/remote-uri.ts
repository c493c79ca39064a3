/** URIs of places in other file systems: `scheme://authority/segments`, taken literally, without percent-decoding. */

// Two letters at least: `C:` is a drive.
const REMOTE = /^([a-z][a-z0-9+.-]+):\/\/([^/]*)(.*)$/is;

/** @internal */
export interface RemoteUri {
  /** In lower case. */
  readonly scheme: string;
  /** A bucket, or a host with its port; may be empty. */
  readonly authority: string;
  /** Of its path, without empty ones, "." and "..". */
  readonly segments: readonly string[];
}

/** Undefined for a path and for a `file:` URL. @internal */
export function parseRemoteUri(text: string): RemoteUri | undefined {
  const [, scheme = "", authority = "", path = ""] = REMOTE.exec(text) ?? [];
  if (scheme === "" || scheme.toLowerCase() === "file") return undefined;
  return { scheme: scheme.toLowerCase(), authority, segments: follow([], path) };
}

/** @internal */
export function formatRemoteUri({ scheme, authority, segments }: RemoteUri): string {
  return `${scheme}://${[authority, ...segments].join("/")}`;
}

/** Where `parts` lead from a place, as directories do. Nothing leads above the authority. @internal */
export function resolveRemoteUri(uri: RemoteUri, parts: readonly string[]): RemoteUri {
  return { ...uri, segments: parts.reduce(follow, uri.segments) };
}

function follow(segments: readonly string[], part: string): readonly string[] {
  const followed = [...segments];
  for (const segment of part.split("/")) {
    if (segment === "..") followed.pop();
    else if (segment !== "" && segment !== ".") followed.push(segment);
  }
  return followed;
}

import { schemeOf } from "../base/local-path.ts";
import { formatRemoteUri, parseRemoteUri } from "../base/remote-uri.ts";
import { type OptionType, stringType } from "./option-types.ts";
import { parsed, refused } from "./parsed.ts";

const EXPECTED = "a path, or a file: URL; other file systems are used through a directory they are mounted at";

/** A directory or file: a path as it was given, or the path of a `file:` URL. @internal */
export const pathType: OptionType<string> = {
  name: "path",
  parse: (raw) => {
    const result = stringType.parse(raw);
    if (!result.ok) return result;
    const scheme = schemeOf(result.value);
    if (scheme === undefined) return result;
    return scheme === "file" && URL.canParse(result.value)
      ? parsed(decodeURIComponent(new URL(result.value).pathname))
      : { ...refused(EXPECTED), isUnsupported: scheme !== "file" };
  },
  format: (value) => value,
};

/** Where checkpoints and savepoints are: as {@link pathType}, or a URI of another file system, `s3://bucket/checkpoints`. @internal */
export const locationType: OptionType<string> = {
  name: "path or URI",
  parse: (raw) => {
    const uri = typeof raw === "string" ? parseRemoteUri(raw.trim()) : undefined;
    if (uri !== undefined) return parsed(formatRemoteUri(uri));
    const path = pathType.parse(raw);
    return path.ok ? path : refused("a path, a file: URL, or the URI of another file system as s3://bucket/directory");
  },
  format: (value) => value,
};

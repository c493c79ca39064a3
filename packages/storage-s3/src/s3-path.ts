import { FileSystemError } from "millrace";

/** @internal */
export interface S3Path {
  readonly bucket: string;
  /** Without a "/" at its ends; empty for the bucket itself. */
  readonly key: string;
}

/** @throws FileSystemError EINVAL for what is no bucket @internal */
export function s3PathOf(path: string): S3Path {
  const [, bucket = "", key = ""] = /^s3a?:\/\/([^/]*)\/?(.*)$/is.exec(path) ?? [];
  // The name is a part of a URL, and may be a part of a host's name.
  if (!/^[a-z0-9][a-z0-9._-]{1,254}$/i.test(bucket)) {
    throw new FileSystemError("EINVAL", "no bucket's name in", withoutUser(path));
  }
  return { bucket, key };
}

/** Who writes a key into a URI does not find it in a log. */
function withoutUser(path: string): string {
  return path.replace(/^([a-z0-9]+:\/\/)[^/]*@/i, "$1");
}

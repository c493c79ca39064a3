/** What the settings of a job and the environment of a process say about HDFS. */
import {
  type FileSystemContext,
  FileSystemError,
  HDFS_ATTEMPTS,
  HDFS_REQUEST_TIMEOUT,
  HDFS_USER,
  MillraceError,
  WEBHDFS_ADDRESSES,
} from "millrace";

/** Where a NameNode answers WebHDFS unless somebody has moved it. */
const WEBHDFS_PORT = 9870;

/** @internal */
export interface HdfsSettings {
  /** Of NameNodes, by the authority of `hdfs:` URIs: more than one when they take each other's place. */
  readonly addresses: ReadonlyMap<string, readonly URL[]>;
  /** Undefined: whoever the NameNode takes it for. */
  readonly user: string | undefined;
  readonly requestTimeoutMs: number;
  readonly attemptsMax: number;
}

/** @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function hdfsSettingsOf({ configuration, env }: Pick<FileSystemContext, "configuration" | "env">): HdfsSettings {
  const addresses = new Map<string, readonly URL[]>();
  for (const entry of configuration.get(WEBHDFS_ADDRESSES)) {
    const at = entry.indexOf("=");
    const urls = entry
      .slice(at + 1)
      .split(",")
      .map((text) => addressOf(text.trim(), entry));
    addresses.set(at < 0 ? "" : entry.slice(0, at).trim(), urls);
  }
  return {
    addresses,
    user: configuration.get(HDFS_USER) ?? (env["HADOOP_USER_NAME"] || env["USER"] || env["LOGNAME"] || undefined),
    requestTimeoutMs: configuration.get(HDFS_REQUEST_TIMEOUT),
    attemptsMax: configuration.get(HDFS_ATTEMPTS),
  };
}

function addressOf(text: string, entry: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (entry.includes("=") && isHttp && url.pathname === "/" && url.search === "") return url;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "The address of a NameNode's WebHDFS is none",
    where: { setting: WEBHDFS_ADDRESSES.key },
    found: JSON.stringify(entry),
    expected:
      "authority=http://host:port, as namenode:40010=http://10.0.0.1:9870; several addresses with commas between",
    todo: `Correct ${WEBHDFS_ADDRESSES.key}`,
  });
}

/** A file or directory of a cluster. @internal */
export interface HdfsPlace {
  /** Where its NameNodes answer. */
  readonly addresses: readonly URL[];
  /** Absolute, without a "/" at its end. */
  readonly path: string;
}

/**
 * What a URI names: `hdfs://authority/path`, `webhdfs://host:port/path`, `swebhdfs://host:port/path`.
 * @throws FileSystemError EINVAL when nobody says where its NameNode answers
 * @internal
 */
export function placeOf(uri: string, { addresses }: HdfsSettings): HdfsPlace {
  const [, scheme = "", authority = "", path = ""] = /^([a-z]+):\/\/([^/]*)(.*)$/is.exec(uri) ?? [];
  if (scheme === "hdfs") return { addresses: nameNodesOf(uri, authority, addresses), path };
  const url = `${scheme === "swebhdfs" ? "https" : "http"}://${authority}`;
  if (authority === "" || !URL.canParse(url)) throw new FileSystemError("EINVAL", "no host in", uri);
  return { addresses: [new URL(url)], path };
}

function nameNodesOf(uri: string, authority: string, addresses: HdfsSettings["addresses"]): readonly URL[] {
  const known = addresses.get(authority);
  if (known !== undefined) return known;
  // As Hadoop's fs.defaultFS: the only one there is.
  if (authority === "" && addresses.size === 1) return [...addresses.values()][0]!;
  const url = `http://${authority}`;
  if (authority === "" || !URL.canParse(url)) {
    throw new FileSystemError("EINVAL", `no NameNode, and not exactly one in ${WEBHDFS_ADDRESSES.key}, for`, uri);
  }
  const byDefault = new URL(url);
  byDefault.port = String(WEBHDFS_PORT);
  return [byDefault];
}

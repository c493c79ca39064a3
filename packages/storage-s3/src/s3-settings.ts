/** What the settings of a job and the environment of a process say about S3. */
import {
  type FileSystemContext,
  MillraceError,
  S3_ACCESS_KEY,
  S3_ATTEMPTS,
  S3_CONCURRENT_UPLOADS,
  S3_ENDPOINT,
  S3_PATH_STYLE_ACCESS,
  S3_REGION,
  S3_REQUEST_TIMEOUT,
  S3_SECRET_KEY,
  S3_SESSION_TOKEN,
  S3_UPLOAD_PART_SIZE,
} from "millrace";

/** @internal */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** @internal */
export interface S3Settings {
  readonly endpoint: URL;
  readonly region: string;
  readonly isPathStyle: boolean;
  readonly credentials: S3Credentials;
  readonly requestTimeoutMs: number;
  readonly attemptsMax: number;
  readonly partBytes: number;
  readonly concurrentParts: number;
  readonly objectsAtOnceMax: number;
}

/** As S3 has it, for requests that list and that remove. */
const OBJECTS_AT_ONCE_MAX = 1000;

/** @throws MillraceError `MR_S3_CREDENTIALS_MISSING`, `MR_CONFIG_INVALID` @internal */
export function s3SettingsOf({ configuration, env }: Pick<FileSystemContext, "configuration" | "env">): S3Settings {
  const given = configuration.get(S3_ENDPOINT);
  const region = configuration.get(S3_REGION) ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || "us-east-1");
  return {
    endpoint: endpointOf(given ?? `https://s3.${region}.amazonaws.com`, configuration.originOf(S3_ENDPOINT)),
    region,
    isPathStyle: configuration.get(S3_PATH_STYLE_ACCESS),
    credentials: credentialsOf(
      {
        accessKeyId: configuration.get(S3_ACCESS_KEY),
        secretAccessKey: configuration.get(S3_SECRET_KEY),
        sessionToken: configuration.get(S3_SESSION_TOKEN),
      },
      env,
    ),
    requestTimeoutMs: configuration.get(S3_REQUEST_TIMEOUT),
    attemptsMax: configuration.get(S3_ATTEMPTS),
    partBytes: configuration.get(S3_UPLOAD_PART_SIZE),
    concurrentParts: configuration.get(S3_CONCURRENT_UPLOADS),
    objectsAtOnceMax: OBJECTS_AT_ONCE_MAX,
  };
}

function endpointOf(text: string, origin: string): URL {
  const url = URL.parse?.(text) ?? (URL.canParse(text) ? new URL(text) : null);
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (isPlain && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "The address of the S3 service is none",
    where: { setting: S3_ENDPOINT.key, origin },
    // An address may have a password in it.
    found: url === null ? "no URL" : `a URL of ${url.protocol} with a path, a query or a user`,
    expected: "http://host:port or https://host:port, and nothing behind it",
    todo: `Correct ${S3_ENDPOINT.key}; buckets and prefixes belong into the s3:// URI`,
  });
}

interface GivenCredentials {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
}

// Key, secret and token are from one place: a mixture fits nowhere.
function credentialsOf(configured: GivenCredentials, env: FileSystemContext["env"]): S3Credentials {
  const isConfigured = configured.accessKeyId !== undefined || configured.secretAccessKey !== undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = isConfigured
    ? configured
    : {
        accessKeyId: env["AWS_ACCESS_KEY_ID"],
        secretAccessKey: env["AWS_SECRET_ACCESS_KEY"],
        sessionToken: env["AWS_SESSION_TOKEN"],
      };
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  }
  const names = isConfigured ? [S3_ACCESS_KEY.key, S3_SECRET_KEY.key] : ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
  const missing = [accessKeyId, secretAccessKey].flatMap((value, index) => (value ? [] : [names[index]!]));
  throw new MillraceError("MR_S3_CREDENTIALS_MISSING", {
    what: "Nobody says with which key S3 is to be asked",
    found: `no ${missing.join(" and no ")}`,
    expected: "an access key and its secret, from one place",
    todo: `Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of every process of the job, or ${S3_ACCESS_KEY.key} and ${S3_SECRET_KEY.key}`,
  });
}

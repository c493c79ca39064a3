import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, intType, listType, mapType, memorySizeType, stringType } from "./option-types.ts";

/** The option `fs.packages`. @public */
export const FILE_SYSTEM_PACKAGES: ConfigOption<ReadonlyMap<string, string>> = option<ReadonlyMap<string, string>>({
  key: "fs.packages",
  type: mapType(stringType),
  default: new Map(),
  description:
    "The npm packages that have the file systems of checkpoints and savepoints, by the scheme of their URIs: `gs: some-package`. They are to be installed with every process of a job. `s3` and `s3a` are in `@millrace/storage-s3`, `hdfs`, `webhdfs` and `swebhdfs` in `@millrace/storage-hdfs`; these need no entry.",
});

/** The option `fs.allowed-prefixes`. @public */
export const ALLOWED_PREFIXES: ConfigOption<readonly string[] | undefined> = option<readonly string[]>({
  key: "fs.allowed-prefixes",
  type: listType(stringType),
  description:
    "The directories and URIs that checkpoints and savepoints may be written to, read from and removed from, with all that is below them: `/data/checkpoints;s3://bucket/jobs`. Unset: anywhere.",
});

/** The option `s3.endpoint`. @public */
export const S3_ENDPOINT: ConfigOption<string | undefined> = option({
  key: "s3.endpoint",
  type: stringType,
  description: "The URL of the S3 service. Unset: that of Amazon in `s3.region`.",
});

/** The option `s3.region`. @public */
export const S3_REGION: ConfigOption<string | undefined> = option({
  key: "s3.region",
  type: stringType,
  legacyKeys: ["s3.endpoint.region"],
  description:
    "The region that requests are signed for. Unset: the environment's `AWS_REGION` or `AWS_DEFAULT_REGION`, else `us-east-1`.",
});

/** The option `s3.access-key`. @public */
export const S3_ACCESS_KEY: ConfigOption<string | undefined> = option({
  key: "s3.access-key",
  type: stringType,
  legacyKeys: ["s3.access.key"],
  description: "The id of the access key. Unset: the environment's `AWS_ACCESS_KEY_ID`.",
});

/** The option `s3.secret-key`. @public */
export const S3_SECRET_KEY: ConfigOption<string | undefined> = option({
  key: "s3.secret-key",
  type: stringType,
  legacyKeys: ["s3.secret.key"],
  isSecret: true,
  description:
    "The secret of the access key. Unset: the environment's `AWS_SECRET_ACCESS_KEY`, which is the better place for it.",
});

/** The option `s3.session.token`. @public */
export const S3_SESSION_TOKEN: ConfigOption<string | undefined> = option({
  key: "s3.session.token",
  type: stringType,
  isSecret: true,
  description: "The token of temporary credentials. Unset: the environment's `AWS_SESSION_TOKEN`.",
});

/** The option `s3.path.style.access`. @public */
export const S3_PATH_STYLE_ACCESS: ConfigOption<boolean> = option({
  key: "s3.path.style.access",
  type: booleanType,
  default: false,
  legacyKeys: ["s3.path-style-access"],
  description:
    "Name the bucket in the path, `https://host/bucket/key`, instead of the host, `https://bucket.host/key`: as most services other than Amazon's expect it.",
});

/** The option `s3.upload.min.part.size`. @public */
export const S3_UPLOAD_PART_SIZE: ConfigOption<number> = option({
  key: "s3.upload.min.part.size",
  type: memorySizeType({ min: 5 * 1024 * 1024, max: 1024 * 1024 * 1024 }),
  default: 8 * 1024 * 1024,
  description: "Larger files are uploaded in parts of this size; in larger ones when there would be more than 10,000.",
});

/** The option `s3.upload.max.concurrent.uploads`. @public */
export const S3_CONCURRENT_UPLOADS: ConfigOption<number> = option({
  key: "s3.upload.max.concurrent.uploads",
  type: intType({ min: 1, max: 64 }),
  default: 4,
  description: "How many parts of one file are uploaded at the same time.",
});

/** The option `s3.connection.timeout`. @public */
export const S3_REQUEST_TIMEOUT: ConfigOption<number> = option({
  key: "s3.connection.timeout",
  type: durationType({ min: 10 }),
  default: 60_000,
  description: "A request that is not answered completely within this time is tried again.",
});

/** The option `s3.attempts.maximum`. @public */
export const S3_ATTEMPTS: ConfigOption<number> = option({
  key: "s3.attempts.maximum",
  type: intType({ min: 1, max: 100 }),
  default: 8,
  description:
    "How often a request is tried that fails of what may pass: no connection, no answer, status 429 and 5xx. The pauses between grow from 100 ms to 10 s.",
});

/** The option `fs.hdfs.webhdfs-addresses`. @public */
export const WEBHDFS_ADDRESSES: ConfigOption<readonly string[]> = option<readonly string[]>({
  key: "fs.hdfs.webhdfs-addresses",
  type: listType(stringType),
  default: [],
  description:
    "Where the NameNodes of `hdfs://` URIs answer WebHDFS: `namenode:40010=http://10.0.0.1:9870`. Several addresses of one, separated by a comma, are asked in turn for the active one. An authority that is not here is asked at port 9870 of its host.",
});

/** The option `fs.hdfs.user`. @public */
export const HDFS_USER: ConfigOption<string | undefined> = option({
  key: "fs.hdfs.user",
  type: stringType,
  description: "Who files in HDFS are written as. Unset: the environment's `HADOOP_USER_NAME`, `USER` or `LOGNAME`.",
});

/** The option `fs.hdfs.request-timeout`. @public */
export const HDFS_REQUEST_TIMEOUT: ConfigOption<number> = option({
  key: "fs.hdfs.request-timeout",
  type: durationType({ min: 10 }),
  default: 60_000,
  description: "A WebHDFS request in which nothing has moved for this time is given up and tried again.",
});

/** The option `fs.hdfs.max-attempts`. @public */
export const HDFS_ATTEMPTS: ConfigOption<number> = option({
  key: "fs.hdfs.max-attempts",
  type: intType({ min: 1, max: 100 }),
  default: 8,
  description:
    "How often a WebHDFS request is tried that fails of what may pass: no connection, no answer, a NameNode in standby or safe mode. The pauses between grow from 100 ms to 10 s.",
});

/** @internal */
export const fileSystemOptions: OptionGroup = {
  title: "File systems",
  options: [
    FILE_SYSTEM_PACKAGES,
    ALLOWED_PREFIXES,
    S3_ENDPOINT,
    S3_REGION,
    S3_ACCESS_KEY,
    S3_SECRET_KEY,
    S3_SESSION_TOKEN,
    S3_PATH_STYLE_ACCESS,
    S3_UPLOAD_PART_SIZE,
    S3_CONCURRENT_UPLOADS,
    S3_REQUEST_TIMEOUT,
    S3_ATTEMPTS,
    WEBHDFS_ADDRESSES,
    HDFS_USER,
    HDFS_REQUEST_TIMEOUT,
    HDFS_ATTEMPTS,
  ],
};

/**
 * Checkpoints and savepoints in S3: `s3://bucket/prefix`. It is enough that this package is installed.
 * @packageDocumentation
 */
import type { FileSystem, FileSystemContext, FileSystemFactory } from "millrace";
import { S3Client } from "./s3-client.ts";
import { S3FileSystem } from "./s3-file-system.ts";
import { s3SettingsOf } from "./s3-settings.ts";

/**
 * The file system of `s3:` and `s3a:` URIs, with the options `s3.*` and the environment's `AWS_*` variables.
 *
 * @throws MillraceError from `create`: `MR_S3_CREDENTIALS_MISSING` without a key, `MR_CONFIG_INVALID` for an endpoint that is none
 * @public
 */
export const fileSystemFactory: FileSystemFactory = {
  create: (context: FileSystemContext): FileSystem => {
    const settings = s3SettingsOf(context);
    return new S3FileSystem(new S3Client(settings, context), context.random, settings);
  },
};

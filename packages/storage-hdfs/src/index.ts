/**
 * Checkpoints and savepoints in HDFS: `hdfs://namenode:port/path`. It is enough that this package is installed.
 * @packageDocumentation
 */
import type { FileSystem, FileSystemContext, FileSystemFactory } from "millrace";
import { HdfsFileSystem } from "./hdfs-file-system.ts";
import { hdfsSettingsOf } from "./hdfs-settings.ts";
import { WebHdfsClient } from "./webhdfs-client.ts";

/**
 * The file system of `hdfs:`, `webhdfs:` and `swebhdfs:` URIs, with the options `fs.hdfs.*`.
 *
 * @throws MillraceError from `create`: `MR_CONFIG_INVALID` for an address that is none
 * @public
 */
export const fileSystemFactory: FileSystemFactory = {
  create: (context: FileSystemContext): FileSystem =>
    new HdfsFileSystem(new WebHdfsClient(hdfsSettingsOf(context), context), context.random),
};

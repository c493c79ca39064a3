import type { Configuration } from "../config/configuration.ts";
import type { FileSystem } from "../platform/file-system.ts";
import type { Clock, Random } from "../platform/platform.ts";

/** What a file system is made with. @public */
export interface FileSystemContext {
  /** Of the job that the file system is made for; of the process where there is no job. */
  readonly configuration: Configuration;
  /** The environment variables of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Makes the file system of a scheme, in every process and thread that reads or writes snapshots: once for each job there. A
 * package that has one exports it under the name `fileSystemFactory`, and is named in `fs.packages`.
 *
 * @example
 * export const fileSystemFactory: FileSystemFactory = {
 *   create: ({ configuration, env }) => new MyFileSystem(env.MY_TOKEN),
 * };
 * @public
 */
export interface FileSystemFactory {
  /**
   * Makes it without asking anybody: what is wrong with an address shows at the first use.
   * @throws MillraceError for settings that cannot be
   */
  create(context: FileSystemContext): FileSystem;
}

/** @internal */
export function isFileSystemFactory(value: unknown): value is FileSystemFactory {
  return typeof value === "object" && value !== null && "create" in value && typeof value.create === "function";
}

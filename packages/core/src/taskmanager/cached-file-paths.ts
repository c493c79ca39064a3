import { localPathOf } from "../base/local-path.ts";
import type { CachedFile } from "../config/cached-files.ts";
import type { LocalFs } from "../platform/platform.ts";

/**
 * Where cached files are, by name: absolute paths.
 * @throws MillraceError `MR_FILE_SYSTEM_UNSUPPORTED`
 */
export function cachedFilePaths(files: readonly CachedFile[], fs: LocalFs): ReadonlyMap<string, string> {
  return new Map(files.map(({ name, path }) => [name, fs.resolve(localPathOf(path, `The file "${name}"`))]));
}

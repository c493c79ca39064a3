import type { CachedFile } from "../config/cached-files.ts";
import type { LocalFs } from "../platform/platform.ts";

/** Where cached files are, by name: absolute paths. */
export function cachedFilePaths(files: readonly CachedFile[], fs: LocalFs): ReadonlyMap<string, string> {
  return new Map(files.map(({ name, path }) => [name, fs.resolve(isFileUrl(path) ? pathOfUrl(path) : path)]));
}

function isFileUrl(path: string): boolean {
  return path.startsWith("file:");
}

function pathOfUrl(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}

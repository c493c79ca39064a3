import { resolve } from "node:path";
import { Configuration } from "millrace";

/** Settings that name a directory or file. What they say relative to one process is said to others. */
const PATHS: ReadonlySet<string> = new Set([
  "execution.checkpointing.dir",
  "execution.checkpointing.savepoint-dir",
  "execution.state-recovery.path",
]);

/** The same settings, with paths as they are from this process' directory. @internal */
export function withAbsolutePaths(configuration: Configuration): Configuration {
  const entries = configuration.toEntries();
  return entries.every(({ key }) => !PATHS.has(key))
    ? configuration
    : Configuration.fromLayered(
        entries.map((entry) => (PATHS.has(entry.key) ? { ...entry, value: absolutePath(entry.value) } : entry)),
      );
}

/** A path as it is from this process' directory; a URI stays as it is. @internal */
export function absolutePath(path: string): string {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(path) ? path : resolve(path);
}

import { localPathOf } from "../base/local-path.ts";
import { FileSystemError, type LocalFs, type Platform } from "../platform/platform.ts";
import { localDirectoryPrefix, processDirectoryOf } from "../state/local-directory.ts";
import { heapStateBackend, type KeyedStateBackend, StoredStateBackend } from "../state/state-backend.ts";
import type { TaskSettings } from "./task-settings.ts";

type StateSettings = Pick<
  TaskSettings,
  "stateBackend" | "localDirectory" | "objectCacheEntriesMax" | "objectCacheBytesMax" | "isIncremental"
>;

type LocalSettings = Pick<TaskSettings, "localDirectory">;

/**
 * Settles when the keyed state of the job's operators can be made in this thread.
 *
 * @throws MillraceError `MR_ROCKSDB_UNAVAILABLE`
 */
export async function prepareStateBackend(
  { stores }: Platform,
  { stateBackend, storeMemory }: Pick<TaskSettings, "stateBackend" | "storeMemory">,
): Promise<void> {
  if (stateBackend !== "rocksdb") return;
  await stores.load();
  stores.configureMemory(storeMemory);
}

/**
 * Removes what processes of this machine that were killed have left in directories of local state, once for each process and job.
 * A directory that cannot be listed stays as it is: who needs it hears of it from what he does there.
 */
export async function sweepLocalState(platform: Platform, roots: Iterable<string>): Promise<void> {
  for (const root of roots) {
    try {
      await sweepDirectory(platform, root);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    }
  }
}

async function sweepDirectory({ fs, proc }: Platform, root: string): Promise<void> {
  if ((await fs.stat(root)) === undefined) return;
  const own = localDirectoryPrefix(proc);
  for (const name of await fs.list(root)) {
    const processId = name.startsWith(own) ? Number.parseInt(name.slice(own.length), 10) : Number.NaN;
    if (processId > 0 && !proc.isAlive(processId)) await removeLocal(fs, fs.resolve(root, name));
  }
}

/**
 * Makes the keyed state of one subtask in one attempt.
 *
 * @param name - Of the subtask: tells people what a directory is of.
 */
export function stateBackendOf(platform: Platform, settings: StateSettings, name: string): KeyedStateBackend {
  if (settings.stateBackend === "hashmap") return heapStateBackend;
  const { random, stores } = platform;
  return new StoredStateBackend({
    stores,
    directory: localDirectoryOf(platform, settings, `${name}-${random.uuid()}`),
    cacheEntriesMax: settings.objectCacheEntriesMax,
    cacheBytesMax: settings.objectCacheBytesMax,
    isIncremental: settings.isIncremental,
    random,
  });
}

/** Where this process has local state of that name; removed by a later process of the machine when this one is killed. */
export function localDirectoryOf(platform: Platform, settings: LocalSettings, name: string): string {
  return processDirectoryOf(platform, localRootOf(platform, settings), name);
}

/**
 * Removes local state that nobody needs any more. What the disk does not let go is removed by a later process of the machine:
 * no job fails for it.
 */
export async function removeLocal(fs: LocalFs, directory: string): Promise<void> {
  try {
    await fs.removeTree(directory);
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
}

/** The directory that local state is in. */
export function localRootOf({ fs, proc }: Platform, { localDirectory }: LocalSettings): string {
  return fs.resolve(localPathOf(localDirectory ?? proc.temporaryDirectory, "The directory of local state"));
}

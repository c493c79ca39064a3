/**
 * Writes the local stores of one deployment's subtasks into checkpoints, file by file.
 *
 * - U1. A file is referred to, and not written again, only when the base of the checkpoint (S2 of
 *   checkpoint/shared-state-registry.ts) has it from the same store under the same name. Whether another checkpoint is
 *   complete, this process does not ask: the base is.
 * - U2. Only immutable files are shared; the others, and everything of a savepoint, lie in the snapshot's own directory.
 * - U3. A snapshot's local directory is handed on or removed, however its upload ends; its files may become local copies before.
 */
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { StateWriter } from "../checkpoint/checkpoint-storage.ts";
import { sharedNameOf } from "../checkpoint/snapshot-files.ts";
import type { StateHandle, StoreFileHandle, StoreHandle } from "../checkpoint/state-handles.ts";
import { checksumOf, type StateSource } from "../checkpoint/state-source.ts";
import type { KvFile } from "../kv/sorted-kv.ts";
import type { LocalFs } from "../platform/platform.ts";
import type { StoreSnapshot } from "../state/store-snapshot.ts";
import type { LocalStateCopies } from "./local-state-copies.ts";
import { removeLocal } from "./subtask-state.ts";

/** Files of one store that are written at a time. */
const FILES_AT_ONCE = 4;
/** Checkpoints of one store that are remembered; more are never pending beside the base. */
const REMEMBERED_MAX = 64;

export interface StoreUploadsOptions {
  readonly storage: StateWriter;
  readonly localFs: LocalFs;
  /** What the subtasks started from. */
  readonly restored: LoadedCheckpoint | undefined;
  /** Gets the files when they are written; left out: they are removed. */
  readonly copies?: LocalStateCopies | undefined;
}

export class StoreUploads {
  readonly #options: StoreUploadsOptions;
  /** By the store's id, then by checkpoint: what was written, or referred to. */
  readonly #uploaded = new Map<string, Map<number, StoreHandle>>();

  constructor(options: StoreUploadsOptions) {
    this.#options = options;
  }

  /** @param written - Gets the names of shared files as they are written, also when the upload fails. */
  async upload(checkpointId: number, snapshot: StoreSnapshot, written: string[]): Promise<StoreHandle> {
    const { storage, localFs, copies } = this.#options;
    const { storeId, directory, files, header } = snapshot;
    try {
      const baseId = await storage.baseOf(checkpointId);
      const known = baseId === undefined ? undefined : this.#sharedOf(baseId, storeId);
      const handles = await eachOf(files, FILES_AT_ONCE, async (file) => {
        const handle = known?.get(file.name) ?? (await this.#write(checkpointId, directory, file));
        const sharedName = sharedNameOf(handle);
        if (sharedName !== undefined && !known?.has(file.name)) written.push(sharedName);
        return { name: file.name, isImmutable: file.isImmutable, handle };
      });
      const store = {
        kind: "store",
        storeId,
        header: await storage.write(checkpointId, header),
        files: handles,
      } as const;
      this.#remember(checkpointId, baseId, store);
      if (copies !== undefined) {
        await copies.write(checkpointId, store.header, header);
        await copies.take(checkpointId, store, directory);
      }
      return store;
    } finally {
      await removeLocal(localFs, directory);
    }
  }

  /** U3. */
  async drop(snapshots: readonly StoreSnapshot[]): Promise<void> {
    for (const { directory } of snapshots) await removeLocal(this.#options.localFs, directory);
  }

  /** U1: by name. */
  #sharedOf(baseId: number, storeId: string): ReadonlyMap<string, StateHandle> {
    const base = this.#uploaded.get(storeId)?.get(baseId) ?? restoredStore(this.#options.restored, baseId, storeId);
    return new Map(base?.files.filter(isShared).map(({ name, handle }) => [name, handle]));
  }

  async #write(checkpointId: number, directory: string, { name, isImmutable }: KvFile): Promise<StateHandle> {
    const { storage, localFs } = this.#options;
    const file = await localFs.open(localFs.resolve(directory, name), "read");
    try {
      const bytes = { sizeBytes: await file.sizeBytes(), read: file.read.bind(file) };
      const source: StateSource = { ...bytes, crc32c: await checksumOf(bytes) };
      return await storage.writeFile(checkpointId, source, isImmutable);
    } finally {
      await file.close();
    }
  }

  #remember(checkpointId: number, baseId: number | undefined, store: StoreHandle): void {
    const uploaded = this.#uploaded.get(store.storeId) ?? new Map<number, StoreHandle>();
    this.#uploaded.set(store.storeId, uploaded.set(checkpointId, store));
    for (const id of [...uploaded.keys()].sort((left, right) => left - right)) {
      // Bases only rise.
      if (id < (baseId ?? 0) || uploaded.size > REMEMBERED_MAX) uploaded.delete(id);
    }
  }
}

function isShared({ handle, isImmutable }: StoreFileHandle): boolean {
  return isImmutable && sharedNameOf(handle) !== undefined;
}

function restoredStore(
  restored: LoadedCheckpoint | undefined,
  checkpointId: number,
  storeId: string,
): StoreHandle | undefined {
  if (restored?.metadata.checkpointId !== checkpointId) return undefined;
  for (const { subtasks } of restored.metadata.operators) {
    for (const { keyed } of subtasks) if (keyed?.kind === "store" && keyed.storeId === storeId) return keyed;
  }
  return undefined;
}

/** In the order of the items; when one fails, none is begun any more, and the failure comes when none is at work. */
async function eachOf<T, R>(items: readonly T[], atOnce: number, action: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (next < items.length && !hasFailed) {
      const index = next++;
      try {
        results[index] = await action(items[index]!);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, work));
  const failed = ended.find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
}

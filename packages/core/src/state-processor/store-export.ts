/**
 * Looks into keyed state that is in a snapshot as the files of a local store: the files are copied to a directory of this
 * machine, opened there as a store, and written once more as one file in the terms of every backend, which is read like any
 * other. What a process leaves there that is killed is removed by a later one.
 */
import { BinaryWriter } from "../base/binary-writer.ts";
import { readState } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { LocalFileSystem } from "../checkpoint/local-file-system.ts";
import { pagedBytes, type StateBytes } from "../checkpoint/state-bytes.ts";
import { copyState, onLocalDisk } from "../checkpoint/state-copies.ts";
import type { StoreHandle } from "../checkpoint/state-handles.ts";
import type { Configuration } from "../config/configuration.ts";
import { ROCKSDB_LOCAL_DIRECTORY } from "../config/state-options.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { FileSystemError, type LocalFs, type OpenFile, type Platform } from "../platform/platform.ts";
import {
  decodeKeyedState,
  type KeyedSection,
  TIMERS_SECTION,
  writeGroupHeader,
} from "../state/keyed-snapshot-format.ts";
import { processDirectoryOf } from "../state/local-directory.ts";
import { type CopiedSection, copySection } from "../state/stored-snapshot.ts";
import { KeyedStateFile, type StateSection } from "./keyed-state-file.ts";

/** What of a platform snapshots are read with. @internal */
export type SnapshotPlatform = Pick<Platform, "fs" | "clock" | "random" | "proc" | "packages" | "stores">;

/** Where stores of snapshots are looked into. @internal */
export class StoreExports {
  readonly #platform: SnapshotPlatform;
  readonly #files: FileSystems;
  readonly #root: string;

  constructor(platform: SnapshotPlatform, files: FileSystems, configuration: Configuration) {
    this.#platform = platform;
    this.#files = files;
    this.#root = configuration.get(ROCKSDB_LOCAL_DIRECTORY) ?? platform.proc.temporaryDirectory;
  }

  /**
   * The keyed state of a subtask; its copy is removed when it is closed.
   *
   * @param directory - Of the snapshot.
   * @throws MillraceError as `readState`; `MR_ROCKSDB_UNAVAILABLE`, `MR_DISK_FULL`, `MR_STATE_STORE_FAILED`
   */
  async open(directory: string, handle: StoreHandle): Promise<KeyedStateFile> {
    const { fs, random, stores } = this.#platform;
    await stores.load();
    const own = processDirectoryOf(this.#platform, this.#root, `read-${random.uuid()}`);
    const store = fs.resolve(own, "store");
    try {
      await onLocalDisk(store, () => fs.makeDirectory(store));
      for (const { name, handle: file } of handle.files)
        await copyState(this.#files, directory, file, { fs, path: fs.resolve(store, name) });
      const header = await readState(this.#files, directory, handle.header);
      const view = stores.open(store, []);
      const path = fs.resolve(own, "entries");
      let sections: readonly StateSection[];
      try {
        sections = await onLocalDisk(path, () => writeEntries(fs, path, view, decodeHeader(header)));
      } finally {
        view.close();
      }
      stores.remove(store);
      return new KeyedStateFile(await this.#openEntries(path, own), sections);
    } catch (error) {
      await fs.removeTree(own);
      throw error;
    }
  }

  async #openEntries(path: string, own: string): Promise<StateBytes> {
    const { fs } = this.#platform;
    const file = await new LocalFileSystem(fs).open(path);
    const gone = (): Promise<never> =>
      onLocalDisk(path, () => Promise.reject(new FileSystemError("EIO", "read", path)));
    const bytes = pagedBytes(file, gone);
    return {
      sizeBytes: bytes.sizeBytes,
      read: (start, end) => bytes.read(start, end),
      close: async () => {
        await bytes.close();
        await fs.removeTree(own);
      },
    };
  }
}

/** The states of a store; of those that the store was never asked for, the header has the entries. */
function decodeHeader(header: Uint8Array): readonly KeyedSection[] {
  return [...decodeKeyedState(header, 0, Number.POSITIVE_INFINITY), { ...TIMERS_SECTION, groups: [] }];
}

/** Section after section; of the entries one key group is in memory at a time. */
async function writeEntries(
  fs: LocalFs,
  path: string,
  view: SortedKv,
  states: readonly KeyedSection[],
): Promise<readonly StateSection[]> {
  const file = await fs.open(path, "create");
  try {
    const sections: StateSection[] = [];
    let at = 0;
    for (const { name, kind, schema, groups } of states) {
      const start = at;
      const section = { name, kind, schema, groups: [...groups] };
      // The first of a name is what the store has.
      const copying = sections.some((each) => each.name === name) ? undefined : copySection(view, section);
      for (let isDone = false; !isDone; ) {
        isDone = copying?.next().done !== false;
        at = await writeGroups(file, at, section);
      }
      sections.push({ name, kind, schema, start, end: at });
    }
    return sections;
  } finally {
    await file.close();
  }
}

/** Takes the groups out of the section; returns where the file ends. */
async function writeGroups(file: OpenFile, start: number, { groups }: CopiedSection): Promise<number> {
  let at = start;
  for (const { group, count, bytes } of groups.splice(0)) {
    const out = new BinaryWriter(bytes.length + GROUP_ROOM_BYTES);
    writeGroupHeader({ group, count, length: bytes.length }, out);
    out.rawBytes(bytes);
    const written = out.written();
    await file.write(written, at);
    at += written.length;
  }
  return at;
}

const GROUP_ROOM_BYTES = 24;

import { BinaryWriter } from "../base/binary-writer.ts";
import { encodeKey, hashKey, keyGroup, keyGroupRange, mapKeyOf, subtaskForKeyGroup } from "../types/key-encoding.ts";
import { entryReader } from "./entry-reader.ts";
import type { GroupPlace, KeyedStateFile } from "./keyed-state-file.ts";
import type { EntryReader, StateEntry, StateOwner } from "./state-entry.ts";
import type { StateReader } from "./state-reader.ts";

/** Where the files of an operator are, by old subtask. */
export interface KeyedFiles {
  readonly parallelism: number;
  readonly maxParallelism: number;
  open(subtask: number): Promise<KeyedStateFile | undefined>;
}

/** One subtask's part of the state. */
interface OpenPart {
  readonly subtask: number;
  readonly file: KeyedStateFile | undefined;
  /** The parts of each key group. */
  readonly groups: ReadonlyMap<number, readonly GroupPlace[]>;
  readonly read: EntryReader;
}

/** Reads a keyed state; the file of one subtask is open at a time. @internal */
export class KeyedStateReader implements StateReader {
  readonly #owner: StateOwner;
  readonly #files: KeyedFiles;
  #open: OpenPart | undefined = undefined;

  /** @param owner - `state` is the name in the snapshot. */
  constructor(owner: StateOwner, files: KeyedFiles) {
    this.#owner = owner;
    this.#files = files;
  }

  get partCount(): number {
    return this.#files.maxParallelism;
  }

  async *entries(): AsyncIterable<StateEntry> {
    const { parallelism, maxParallelism } = this.#files;
    for (let subtask = 0; subtask < parallelism; subtask++) {
      const { start, end } = keyGroupRange(maxParallelism, parallelism, subtask);
      for (let group = start; group < end; group++) yield* this.entriesOfPart(group);
    }
  }

  async *entriesOfPart(part: number): AsyncIterable<StateEntry> {
    const { parallelism, maxParallelism } = this.#files;
    const { file, groups, read } = await this.#part(subtaskForKeyGroup(part, maxParallelism, parallelism));
    for (const place of groups.get(part) ?? []) if (file !== undefined) yield* file.entriesOf(place, read);
  }

  /** @throws MillraceError `MR_KEY_INVALID` */
  async *entriesOfKey(key: unknown): AsyncIterable<StateEntry> {
    // Refuses what cannot be a key.
    encodeKey(key, new BinaryWriter());
    const wanted = mapKeyOf(key);
    const group = keyGroup(hashKey(key), this.#files.maxParallelism);
    for await (const entry of this.entriesOfPart(group)) if (mapKeyOf(entry.key) === wanted) yield entry;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file?.close();
  }

  async #part(subtask: number): Promise<OpenPart> {
    if (this.#open?.subtask === subtask) return this.#open;
    await this.close();
    const file = await this.#files.open(subtask);
    const section = file?.sections.find(({ name }) => name === this.#owner.state);
    const groups = new Map<number, GroupPlace[]>();
    const isWindowed = file?.sections.some(({ kind }) => kind === "windows") === true;
    const read: EntryReader = section === undefined ? () => [] : entryReader({ ...section, isWindowed }, this.#owner);
    if (file !== undefined && section !== undefined) {
      for await (const place of file.groupsOf(section)) {
        const parts = groups.get(place.group);
        if (parts === undefined) groups.set(place.group, [place]);
        else parts.push(place);
      }
    }
    this.#open = { subtask, file, groups, read };
    return this.#open;
  }
}

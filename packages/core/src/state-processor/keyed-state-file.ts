/**
 * The keyed state of one operator in one subtask, key group by key group. Nothing of it stays in memory but its directory.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import type { StateBytes } from "../checkpoint/state-bytes.ts";
import { GROUP_HEADER_BYTES_MAX, readGroupHeader } from "../state/keyed-snapshot-format.ts";
import { containerHeadBytes, HEADER_BYTES, readContainerHead, type SectionEntry } from "../types/container.ts";
import { decodeKey } from "../types/key-encoding.ts";
import type { EntryReader, StateEntry } from "./state-entry.ts";

/** Where the entries of one key group of one state are. */
export interface GroupPlace {
  readonly group: number;
  /** Keys in it. */
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/** One state, and where its key groups are in the bytes. */
export type StateSection = Omit<SectionEntry, "crc">;

export class KeyedStateFile {
  readonly sections: readonly StateSection[];
  readonly #bytes: StateBytes;

  /** @param sections - What is in the bytes. */
  constructor(bytes: StateBytes, sections: readonly StateSection[]) {
    this.#bytes = bytes;
    this.sections = sections;
  }

  /** @param where - What it is, for messages. @throws MillraceError `MR_DATA_CORRUPT` */
  static async open(bytes: StateBytes, where: Readonly<Record<string, string>>): Promise<KeyedStateFile> {
    const header = await bytes.read(0, HEADER_BYTES);
    const head = await bytes.read(0, Math.min(containerHeadBytes(header, where), bytes.sizeBytes));
    return new KeyedStateFile(bytes, readContainerHead(head, bytes.sizeBytes, where));
  }

  /** The key groups of a section, in rising order; one may come in several parts. */
  async *groupsOf({ start, end }: StateSection): AsyncIterable<GroupPlace> {
    for (let at = start; at < end; ) {
      const input = new BinaryReader(await this.#bytes.read(at, Math.min(at + GROUP_HEADER_BYTES_MAX, end)));
      const { group, count, length } = readGroupHeader(input);
      if (at + input.position + length > end) input.corrupt(`${length} bytes of key group ${group}`, "fewer bytes");
      at += input.position + length;
      yield { group, count, start: at - length, end: at };
    }
  }

  /** The entries of one key group. */
  async *entriesOf(place: GroupPlace, read: EntryReader): AsyncIterable<StateEntry> {
    const input = await this.read(place);
    for (let left = place.count; left > 0; left--) yield* read(input, decodeKey(input));
  }

  /** One key group, which is read at once: so many keys as `count` says, each with its value. */
  async read(place: GroupPlace): Promise<BinaryReader> {
    return new BinaryReader(await this.#bytes.read(place.start, place.end));
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }
}

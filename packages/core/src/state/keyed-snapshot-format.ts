/**
 * The keyed state of one operator in one subtask as bytes: a container (types/container.ts) with one section a state
 * and one for timers. A section's payload is a sequence of key groups in rising order; a group may come in several parts,
 * each of which is a stream of its own:
 *
 *     key group  varint
 *     count      varint   entries in the group
 *     length     varint   bytes that follow
 *     entries    count x (key in canonical encoding, value in the state's serializer)
 *
 * In the timers section an entry's value is, for event time and then for processing time: varint count, then count x
 * (time f64, sequence varint).
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { decodeContainer, encodeContainerOfParts } from "../types/container.ts";
import { decodeKey } from "../types/key-encoding.ts";
import { haveSameBytes } from "../types/schema-compatibility.ts";
import type { Schema } from "../types/type.ts";
import type { TimeDomain, TimerSet } from "./key-entry.ts";
import type { SlotCodec } from "./slot-codec.ts";
import { isStamped } from "./state-codecs.ts";

/** Enough for three numbers as they usually are; a writer grows. */
const GROUP_HEADER_BYTES = 12;
/** Three varints at their longest. */
export const GROUP_HEADER_BYTES_MAX = 24;

/** What comes before the entries of a key group. */
export interface GroupHeader {
  readonly group: number;
  /** Entries in the group. */
  readonly count: number;
  /** Bytes that follow. */
  readonly length: number;
}

export interface GroupBytes {
  readonly group: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export interface KeyedSection {
  readonly name: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly groups: readonly GroupBytes[];
}

/** What a checkpoint holds of one state in one key group. */
export interface RestoredGroup extends GroupBytes {
  /** Reads a value that follows its key; migrated when the schema has changed. */
  readonly read: (input: BinaryReader) => unknown;
  /** Whether the state would write the same values in the same bytes. */
  readonly isCurrent: boolean;
}

export interface RestoredTimer {
  readonly key: unknown;
  readonly group: number;
  readonly domain: TimeDomain;
  readonly timeMs: number;
  readonly seq: number;
}

/** The timers are told by their kind: a user's state may have the same name. */
export const TIMERS_SECTION: Omit<KeyedSection, "groups"> = {
  name: "_timers",
  kind: "timers",
  schema: { kind: "any" },
};

export function encodeKeyedState(sections: readonly KeyedSection[]): Uint8Array {
  return encodeContainerOfParts(
    sections.map(({ name, kind, schema, groups }) => ({
      name,
      kind,
      schema,
      parts: groups.flatMap(({ group, count, bytes }) => {
        const header = new BinaryWriter(GROUP_HEADER_BYTES);
        writeGroupHeader({ group, count, length: bytes.length }, header);
        return [header.written(), bytes];
      }),
    })),
  );
}

/**
 * Reads the sections of one blob, with the key groups in `[groupStart, groupEnd)` only.
 *
 * @param blob - Its checksum as a file, or that of what it was part of, was found right: it is not looked at again.
 */
export function decodeKeyedState(blob: Uint8Array, groupStart: number, groupEnd: number): readonly KeyedSection[] {
  return decodeContainer(blob, {}, true).map((section) => {
    const input = new BinaryReader(section.bytes);
    const groups: GroupBytes[] = [];
    while (input.remaining > 0) {
      const { group, count, length } = readGroupHeader(input);
      const bytes = input.rawBytes(length);
      if (group >= groupStart && group < groupEnd) groups.push({ group, count, bytes });
    }
    return { name: section.name, kind: section.kind, schema: section.schema, groups };
  });
}

export function writeGroupHeader({ group, count, length }: GroupHeader, out: BinaryWriter): void {
  out.varint(group);
  out.varint(count);
  out.varint(length);
}

export function readGroupHeader(input: BinaryReader): GroupHeader {
  return { group: input.varint(), count: input.varint(), length: input.varint() };
}

/** The timers of a key, which has been read. */
export function* readTimers(input: BinaryReader): Iterable<Omit<RestoredTimer, "key" | "group">> {
  for (const domain of ["event", "processing"] as const) {
    for (let left = input.varint(); left > 0; left--) {
      const timeMs = input.f64();
      yield { domain, timeMs, seq: input.varint() };
    }
  }
}

/** How the values of a section are read as those of a state. */
export function readerOf(
  codec: SlotCodec,
  { kind, schema }: Pick<KeyedSection, "kind" | "schema">,
  owner: { readonly operatorName: string; readonly uid: string },
): Pick<RestoredGroup, "read" | "isCurrent"> {
  const isCurrent = isStamped(kind) === isStamped(codec.kind) && haveSameBytes(schema, codec.schema);
  if (isCurrent) return { read: (input) => codec.read(input), isCurrent };
  const where = { operator: owner.operatorName, uid: owner.uid, state: codec.name };
  return { read: codec.readWrittenAs(schema, where, kind), isCurrent };
}

/** What one subtask restores: the parts of one or more blobs, handed out state by state as states are registered. */
export class RestoredKeyedState {
  /** Those that nobody has taken. */
  #sections: readonly KeyedSection[];

  constructor(blobs: readonly Uint8Array[], groupStart: number, groupEnd: number) {
    this.#sections = blobs.flatMap((blob) => decodeKeyedState(blob, groupStart, groupEnd));
  }

  /** Hands out what there is of the state, by key group; nothing has been decoded yet. */
  takeState(
    codec: SlotCodec,
    owner: { readonly operatorName: string; readonly uid: string },
  ): readonly RestoredGroup[] {
    return this.#take((section) => isOf(section, codec.name)).flatMap((section) => {
      const reading = readerOf(codec, section, owner);
      return section.groups.map((group) => ({ ...group, ...reading }));
    });
  }

  takeTimers(): readonly RestoredTimer[] {
    const timers: RestoredTimer[] = [];
    for (const { group, count, bytes } of this.#take(isTimers).flatMap(({ groups }) => groups)) {
      const input = new BinaryReader(bytes);
      for (let index = 0; index < count; index++) {
        const key = decodeKey(input);
        for (const timer of readTimers(input)) timers.push({ key, group, ...timer });
      }
    }
    return timers.sort((left, right) => left.seq - right.seq);
  }

  /** How a state was written; undefined when there is none of the name, or when it has been taken. */
  formOf(name: string): Pick<KeyedSection, "kind" | "schema"> | undefined {
    return this.#sections.find((section) => isOf(section, name));
  }

  /** Sections that no registered state has claimed. */
  untakenStates(): readonly KeyedSection[] {
    return this.#sections;
  }

  /** What nobody has registered, for the next snapshot of a store: of what is in the store each state once. */
  carriedOver(): readonly KeyedSection[] {
    const names = new Set<string>();
    return this.#sections.filter(({ name, groups }) => {
      const isKnown = names.has(name);
      names.add(name);
      return !isKnown || groups.length > 0;
    });
  }

  #take(isTaken: (section: KeyedSection) => boolean): readonly KeyedSection[] {
    const taken = this.#sections.filter(isTaken);
    // Nothing keeps their bytes alive any more.
    this.#sections = this.#sections.filter((section) => !isTaken(section));
    return taken;
  }
}

function isTimers({ kind }: KeyedSection): boolean {
  return kind === TIMERS_SECTION.kind;
}

function isOf(section: KeyedSection, name: string): boolean {
  return section.name === name && !isTimers(section);
}

/** The timers of a key, behind the key. */
export function writeTimers(timers: TimerSet, writer: BinaryWriter): void {
  for (const domain of ["event", "processing"] as const) {
    const registered = timers.of(domain);
    writer.varint(registered.size);
    for (const timer of registered.values()) {
      writer.f64(timer.timeMs);
      writer.varint(timer.seq);
    }
  }
}

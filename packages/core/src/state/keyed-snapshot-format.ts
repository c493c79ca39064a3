/**
 * The keyed state of one operator in one subtask as bytes: a container (types/container.ts) with one section a state
 * and one for timers. A section's payload is a sequence of key groups in rising order:
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
import { type ContainerSection, decodeContainer, encodeContainer } from "../types/container.ts";
import { decodeKey } from "../types/key-encoding.ts";
import type { Schema } from "../types/type.ts";
import type { TimeDomain } from "./key-entry.ts";
import type { SlotCodec } from "./slot-codec.ts";
import { isStamped } from "./state-codecs.ts";

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

export interface RestoredTimer {
  readonly key: unknown;
  readonly domain: TimeDomain;
  readonly timeMs: number;
  readonly seq: number;
}

/** The timers have a name that no user state can have. */
export const TIMERS_SECTION: Omit<KeyedSection, "groups"> = {
  name: "_timers",
  kind: "timers",
  schema: { kind: "any" },
};

export function encodeKeyedState(sections: readonly KeyedSection[]): Uint8Array {
  return encodeContainer(
    sections.map((section): ContainerSection => {
      const writer = new BinaryWriter();
      for (const { group, count, bytes } of section.groups) {
        writer.varint(group);
        writer.varint(count);
        writer.varint(bytes.length);
        writer.rawBytes(bytes);
      }
      return { name: section.name, kind: section.kind, schema: section.schema, bytes: writer.finish() };
    }),
  );
}

/** Reads the sections of one blob, with the key groups in `[groupStart, groupEnd)` only. */
export function decodeKeyedState(blob: Uint8Array, groupStart: number, groupEnd: number): readonly KeyedSection[] {
  return decodeContainer(blob).map((section) => {
    const input = new BinaryReader(section.bytes);
    const groups: GroupBytes[] = [];
    while (input.remaining > 0) {
      const group = input.varint();
      const count = input.varint();
      const bytes = input.rawBytes(input.varint());
      if (group >= groupStart && group < groupEnd) groups.push({ group, count, bytes });
    }
    return { name: section.name, kind: section.kind, schema: section.schema, groups };
  });
}

/** What one subtask restores: the parts of one or more blobs, handed out state by state as states are registered. */
export class RestoredKeyedState {
  readonly #sections: KeyedSection[];
  readonly #taken = new Set<string>();

  constructor(blobs: readonly Uint8Array[], groupStart: number, groupEnd: number) {
    this.#sections = blobs.flatMap((blob) => decodeKeyedState(blob, groupStart, groupEnd));
  }

  /** Hands every restored value of the state to `put`, migrated when the schema has changed. */
  takeState(
    codec: SlotCodec,
    put: (key: unknown, value: unknown) => void,
    owner: { readonly operatorName: string; readonly uid: string },
  ): void {
    this.#taken.add(codec.name);
    for (const section of this.#sections.filter((candidate) => candidate.name === codec.name)) {
      const where = { operator: owner.operatorName, uid: owner.uid, state: codec.name };
      const read =
        isStamped(section.kind) === isStamped(codec.kind) &&
        JSON.stringify(section.schema) === JSON.stringify(codec.schema)
          ? (input: BinaryReader) => codec.read(input)
          : codec.readWrittenAs(section.schema, where, section.kind);
      for (const { count, bytes } of section.groups) {
        const input = new BinaryReader(bytes);
        for (let index = 0; index < count; index++) {
          const key = decodeKey(input);
          put(key, read(input));
        }
      }
    }
  }

  takeTimers(): readonly RestoredTimer[] {
    this.#taken.add(TIMERS_SECTION.name);
    const timers: RestoredTimer[] = [];
    for (const section of this.#sections.filter((candidate) => candidate.name === TIMERS_SECTION.name)) {
      for (const { count, bytes } of section.groups) {
        const input = new BinaryReader(bytes);
        for (let index = 0; index < count; index++) readTimers(input, timers);
      }
    }
    return timers.sort((left, right) => left.seq - right.seq);
  }

  /** Sections that no registered state has claimed. */
  untakenStates(): readonly KeyedSection[] {
    return this.#sections.filter((section) => !this.#taken.has(section.name));
  }
}

function readTimers(input: BinaryReader, timers: RestoredTimer[]): void {
  const key = decodeKey(input);
  for (const domain of ["event", "processing"] as const) {
    const count = input.varint();
    for (let index = 0; index < count; index++) {
      const timeMs = input.f64();
      timers.push({ key, domain, timeMs, seq: input.varint() });
    }
  }
}

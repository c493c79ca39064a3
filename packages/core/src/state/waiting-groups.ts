/**
 * Restored values whose bytes wait until somebody asks for a key of their key group: how soon a subtask goes on after a
 * failure does not depend on how much state it has.
 *
 * - W1. Whoever looks a key up and finds no entry opens the key's group before he goes on, or makes one.
 * - W2. So every entry is in an open group, and an entry that is found has all its values. A group for which timers
 *   were restored, or values that have to be migrated, is open from the beginning.
 * - W3. A group opens once, with the values of all states; what a state brings later is not for it to wait.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { decodeKey } from "../types/key-encoding.ts";
import type { GroupBytes, RestoredGroup } from "./keyed-snapshot-format.ts";

interface WaitingValues {
  readonly slot: number;
  readonly values: RestoredGroup;
}

/** Puts one restored value into the entry of its key, which it makes when there is none. */
export type PutRestored = (key: unknown, slot: number, value: unknown) => void;

export class WaitingGroups {
  /** By key group. */
  readonly #waiting = new Map<number, WaitingValues[]>();
  readonly #open = new Set<number>();
  readonly #put: PutRestored;

  constructor(put: PutRestored) {
    this.#put = put;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Takes the values in; they are read at once when their group is open (W3). */
  add(slot: number, values: RestoredGroup): void {
    const { group } = values;
    if (this.#open.has(group)) {
      this.#read(slot, values);
      return;
    }
    const waiting = this.#waiting.get(group);
    if (waiting === undefined) this.#waiting.set(group, [{ slot, values }]);
    else waiting.push({ slot, values });
  }

  /** Reads what waits for this group. */
  open(group: number): void {
    this.#open.add(group);
    const waiting = this.#waiting.get(group);
    if (waiting === undefined) return;
    this.#waiting.delete(group);
    for (const { slot, values } of waiting) this.#read(slot, values);
  }

  openAll(): void {
    for (const group of [...this.#waiting.keys()]) this.open(group);
  }

  /** The bytes that wait for a slot. */
  of(slot: number): readonly GroupBytes[] {
    return [...this.#waiting.values()]
      .flat()
      .filter((each) => each.slot === slot)
      .map(({ values }) => values);
  }

  #read(slot: number, { count, bytes, read }: RestoredGroup): void {
    const input = new BinaryReader(bytes);
    for (let index = 0; index < count; index++) {
      const key = decodeKey(input);
      this.#put(key, slot, read(input));
    }
  }
}

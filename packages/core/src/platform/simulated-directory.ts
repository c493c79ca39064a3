import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedFile, UnsyncedFate } from "./simulated-file.ts";

/** @internal */
export type SimulatedNode = SimulatedFile | SimulatedDirectory;

/** The names that one operation changes together; undefined removes. A rename within a directory is one change. */
type NameChange = readonly (readonly [name: string, node: SimulatedNode | undefined])[];

/**
 * A directory's names twice: as processes see them, and as they are on the medium. POSIX promises the second only
 * after an fsync of this directory; a rename between two directories is two changes, each durable on its own.
 * @internal
 */
export class SimulatedDirectory {
  readonly kind = "directory";
  readonly entries: Map<string, SimulatedNode> = new Map();
  #durable: ReadonlyMap<string, SimulatedNode> = new Map();
  #unsynced: NameChange[] = [];
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  change(change: NameChange): void {
    applyTo(this.entries, change);
    this.#unsynced.push(change);
  }

  sync(): void {
    this.#durable = new Map(this.entries);
    this.#unsynced = [];
  }

  /** Names go to a journal in order, so what survives is a prefix of the changes. */
  losePower(fate: UnsyncedFate, random: SeededRandom): void {
    const counts = { lost: 0, kept: this.#unsynced.length, seeded: random.below(this.#unsynced.length + 1) };
    const survivors = new Map(this.#durable);
    for (const change of this.#unsynced.slice(0, counts[fate])) applyTo(survivors, change);
    this.#durable = survivors;
    this.#unsynced = [];
    this.entries.clear();
    for (const [name, node] of survivors) this.entries.set(name, node);
  }
}

function applyTo(entries: Map<string, SimulatedNode>, change: NameChange): void {
  for (const [name, node] of change) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

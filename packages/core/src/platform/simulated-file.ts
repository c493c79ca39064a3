import { GrowingBytes } from "./growing-bytes.ts";
import type { SeededRandom } from "./seeded-random.ts";

/**
 * What becomes of unsynced changes when the power goes: all lost, all kept, or as the seed decides (some lost, some
 * kept, writes torn between sectors).
 * @internal
 */
export type UnsyncedFate = "lost" | "kept" | "seeded";

/** A disk writes sectors whole; anything longer can tear between two. */
const SECTOR_BYTES = 512;

type FileChange = { readonly client: string } & (
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly sizeBytes: number }
);

/**
 * A file's contents twice: as processes see them, and as they are on the medium. In between stand the changes since
 * the last sync.
 * @internal
 */
export class SimulatedFile {
  readonly kind = "file";
  readonly contents: GrowingBytes = new GrowingBytes();
  readonly #durable: GrowingBytes = new GrowingBytes();
  #unsynced: FileChange[] = [];
  modifiedMs: number;
  /** Names that lead here, and open files: at none of both the space is free again. */
  linkCount = 0;
  openCount = 0;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  /** @param client - The host that writes: until the sync, its memory is where the change is. */
  write(source: Uint8Array, position: number, client: string): void {
    const bytes = source.slice();
    this.contents.write(bytes, position);
    this.#unsynced.push({ kind: "write", position, bytes, client });
  }

  truncate(sizeBytes: number, client: string): void {
    this.contents.resize(sizeBytes);
    this.#unsynced.push({ kind: "truncate", sizeBytes, client });
  }

  sync(): void {
    for (const change of this.#unsynced) apply(change, this.#durable);
    this.#unsynced = [];
  }

  /** As Linux does after a failed fsync: the pages count as clean, and a later sync does not write them. */
  failSync(): void {
    this.#unsynced = [];
  }

  losePower(fate: UnsyncedFate, random: SeededRandom): void {
    this.#lose(this.#unsynced, fate, random);
    this.#unsynced = [];
    this.contents.copyFrom(this.#durable);
    this.openCount = 0;
  }

  /** A host that has the file on a mount loses its power, and with it what it had not synced. */
  loseClient(client: string, fate: UnsyncedFate, random: SeededRandom): void {
    const lost = this.#unsynced.filter((change) => change.client === client);
    if (lost.length === 0) return;
    this.#lose(lost, fate, random);
    this.#unsynced = this.#unsynced.filter((change) => change.client !== client);
    this.contents.copyFrom(this.#durable);
    for (const change of this.#unsynced) apply(change, this.contents);
  }

  #lose(changes: readonly FileChange[], fate: UnsyncedFate, random: SeededRandom): void {
    for (const change of changes) {
      const outcome = fate === "seeded" ? (["lost", "kept", "torn"] as const)[random.below(3)]! : fate;
      if (outcome === "kept") apply(change, this.#durable);
      if (outcome === "torn" && change.kind === "write") tear(change.bytes, change.position, this.#durable, random);
    }
  }

  /** Rot on the medium that the page cache has not hidden. */
  flipBit(position: number, bit: number): void {
    this.contents.flipBit(position, bit);
    this.#durable.flipBit(position, bit);
  }
}

function apply(change: FileChange, target: GrowingBytes): void {
  if (change.kind === "write") target.write(change.bytes, change.position);
  else target.resize(change.sizeBytes);
}

/** Each sector that the write touched arrives or does not, on its own. */
function tear(bytes: Uint8Array, position: number, target: GrowingBytes, random: SeededRandom): void {
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((position + start) % SECTOR_BYTES));
    if (random.below(2) === 0) target.write(bytes.subarray(start, end), position + start);
    start = end;
  }
}

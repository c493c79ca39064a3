/** Snapshots whose bytes have changed on the disk. `MILLRACE_DAMAGES` says how many changes are tried. */
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import type { Random } from "../platform/platform.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { type KeyedStateDescriptor, mapState, valueState } from "../state/state-descriptors.ts";
import { createStateHandle } from "../state/state-handles.ts";
import { type WrittenOperator, writeSnapshot } from "../testing/written-snapshot.ts";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import { loadCheckpoint, readState } from "./checkpoint-reader.ts";
import { FileSystems } from "./file-systems.ts";
import { METADATA_FILE } from "./snapshot-directory.ts";
import { openState } from "./state-bytes.ts";
import type { StateHandle } from "./state-handles.ts";

const DAMAGES = Number(process.env["MILLRACE_DAMAGES"] ?? 2_000);
/** Of a file that is read in pieces; it is damaged less often, since each time all of it is read. */
const LARGE_BYTES = 1_200_000;
const LARGE_EVERY = 100;

type Handle = Record<"update" | "put", (...values: unknown[]) => void>;
const handle = (table: KeyedStateTable, descriptor: unknown): Handle =>
  createStateHandle(table, descriptor as KeyedStateDescriptor) as Handle;

const everything: WrittenOperator = {
  uid: "everything",
  parallelism: 2,
  maxParallelism: 16,
  keys: Array.from({ length: 40 }, (_, index) => `key ${index}`),
  fill: (table) => {
    const total = handle(table, valueState("total", t.object({ amount: t.float64, currency: t.optional(t.string) })));
    const last = handle(table, valueState("last", learnedType<unknown>()));
    const map = handle(table, mapState("map", t.string, t.bigint));
    return (key) => {
      total.update({ amount: String(key).length, currency: "EUR" });
      last.update({ key, at: new Date(0), bytes: new Uint8Array([1, 255]) });
      map.put("a", 1n);
      table.addTimer("event", 1000);
    };
  },
  lists: (subtask) => [{ name: "list", mode: "split", elements: [new Uint8Array([subtask, 1, 2])] }],
};

const large: WrittenOperator = {
  uid: "large",
  parallelism: 1,
  maxParallelism: 16,
  keys: ["one"],
  fill: (table) => {
    const bytes = handle(table, valueState("bytes", t.bytes));
    return () => bytes.update(new Uint8Array(LARGE_BYTES).fill(7));
  },
};

/** What is changed of a file: some bytes from a position on, or that it ends there. */
interface Damage {
  readonly position: number;
  /** Undefined: the file ends at the position. */
  readonly bytes: Uint8Array | undefined;
}

/** One bit, several bits of neighbours, or the rest of the file. */
function randomDamage(original: Uint8Array, random: Random): Damage {
  const position = random.u32() % original.length;
  const kind = random.u32() % 4;
  if (kind === 0) return { position, bytes: undefined };
  const length = kind === 3 ? 1 + (random.u32() % Math.min(8, original.length - position)) : 1;
  const bytes = original.slice(position, position + length);
  bytes[0]! ^= 1 << (random.u32() % 8);
  for (let at = 1; at < length; at++) bytes[at]! ^= random.u32() & 0xff;
  return { position, bytes };
}

class DamagedFiles {
  readonly #platform: SimulatedPlatform;

  constructor(platform: SimulatedPlatform) {
    this.#platform = platform;
  }

  async read(path: string): Promise<Uint8Array> {
    const file = await this.#platform.fs.open(path, "read");
    const bytes = new Uint8Array(await file.sizeBytes());
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  /** Runs while the file is damaged. */
  async during<T>(path: string, original: Uint8Array, { position, bytes }: Damage, run: () => Promise<T>): Promise<T> {
    const file = await this.#platform.fs.open(path, "update");
    if (bytes === undefined) await file.truncate(position);
    else await file.write(bytes, position);
    try {
      return await run();
    } finally {
      await file.write(original.subarray(position), position);
      await file.close();
    }
  }
}

/** The code that the damage was refused with; what was read, when it was not. */
async function refusal(read: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError) return error.code;
    throw error;
  }
}

describe("damaged snapshots", () => {
  test("every change of bits and lengths in metadata and state files is found before anything is used", async () => {
    const platform = createSimulatedPlatform({ seed: 91 });
    const random = platform.random.fork("damage");
    const found = new Map<string, number>();
    const missed: string[] = [];
    await platform.run(async () => {
      const fs = FileSystems.local(platform.fs);
      const directory = await writeSnapshot(platform, "/snapshot", [everything, large]);
      const { metadata } = await loadCheckpoint(fs, directory);
      const handles = metadata.operators
        .flatMap(({ subtasks }) => subtasks.flatMap(({ keyed, lists }) => [keyed, lists]))
        .filter((each): each is StateHandle & { kind: "file" } => each?.kind === "file");
      const files = new DamagedFiles(platform);
      const readers = [
        { path: `${directory}/${METADATA_FILE}`, read: () => loadCheckpoint(fs, directory) },
        ...handles
          .filter(({ sizeBytes }) => sizeBytes < LARGE_BYTES)
          .map((file) => ({ path: `${directory}/${file.name}`, read: () => readState(fs, directory, file) })),
      ];
      const [largest] = handles.filter(({ sizeBytes }) => sizeBytes >= LARGE_BYTES);
      const inPieces = { path: `${directory}/${largest!.name}`, read: () => openState(fs, directory, largest!) };
      const originals = new Map<string, Uint8Array>();
      for (const { path } of [...readers, inPieces]) originals.set(path, await files.read(path));
      for (let tried = 0; tried < DAMAGES; tried++) {
        const { path, read } = tried % LARGE_EVERY === 0 ? inPieces : readers[random.u32() % readers.length]!;
        const original = originals.get(path)!;
        const damage = randomDamage(original, random);
        const code = await files.during(path, original, damage, () => refusal(read));
        if (code === undefined) missed.push(`${path} at ${damage.position}: ${String(damage.bytes)}`);
        else found.set(code, (found.get(code) ?? 0) + 1);
      }
      // As it was, it can be read.
      for (const { read } of [...readers, inPieces]) await read();
    }, Number.MAX_SAFE_INTEGER);
    expect(missed).toEqual([]);
    expect([...found.keys()].sort()).toEqual(["MR_CHECKPOINT_CORRUPT", "MR_STATE_FILE_CORRUPT"]);
    expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBe(DAMAGES);
  }, 3_600_000);
});

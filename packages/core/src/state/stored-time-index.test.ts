import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryKvFiles } from "../kv/kv-files.ts";
import { MemorySortedKv } from "../kv/memory-sorted-kv.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { type DueKey, StoredTimeIndex } from "./stored-time-index.ts";

const MAX_PARALLELISM = 16;

function storeAt(files: MemoryKvFiles, directory: string): SortedKv {
  return MemorySortedKv.open({ files, directory, columnFamilies: [{ name: "other" }, { name: "~due" }] });
}

function indexOver(kv: SortedKv, headItemsMax?: number): StoredTimeIndex {
  return new StoredTimeIndex(
    () => ({ kv, namedFamily: () => 1 }),
    () => {},
    MAX_PARALLELISM,
    headItemsMax,
  );
}

/** Items by (time, number); the key follows from the number. */
class Reference {
  readonly #items = new Map<string, DueKey>();

  add(item: DueKey): void {
    this.#items.set(`${item.timeMs} ${item.seq}`, item);
  }

  delete({ timeMs, seq }: DueKey): void {
    this.#items.delete(`${timeMs} ${seq}`);
  }

  get sorted(): readonly DueKey[] {
    return [...this.#items.values()].sort((left, right) => left.timeMs - right.timeMs || left.seq - right.seq);
  }

  copy(): Reference {
    const copy = new Reference();
    for (const item of this.#items.values()) copy.add(item);
    return copy;
  }
}

const items: fc.Arbitrary<DueKey> = fc
  .record({ timeMs: fc.constantFrom(-1e15, -70, -1.5, 0, 1, 2, 3.25, 10, 20, 30, 8e15), seq: fc.nat({ max: 9 }) })
  .map(({ timeMs, seq }) => ({ timeMs, seq, key: seq % 3 === 0 ? seq : [`key-${seq}`, 1] }));

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("add" as const), item: items }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), item: items }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("poll" as const), item: items }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("peek" as const), item: items }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom("checkpoint" as const, "restore" as const), item: items }),
    },
  ),
  { maxLength: 80 },
);

function plain({ timeMs, seq, key }: DueKey): DueKey {
  return { timeMs, seq, key };
}

test("S30: items come by time and number, however few of them are in memory, and a checkpoint has those of its moment", () => {
  fc.assert(
    fc.property(fc.constantFrom(2, 3, 8, 4096), steps, (headItemsMax, all) => {
      const files = new MemoryKvFiles();
      let kv = storeAt(files, "/db");
      let index = indexOver(kv, headItemsMax);
      let reference = new Reference();
      let saved = { directory: "", reference };
      let count = 0;
      for (const { kind, item } of all) {
        if (kind === "add") {
          index.add(item.timeMs, item.seq, item.key);
          reference.add(item);
        } else if (kind === "delete") {
          index.delete(item.timeMs, item.seq, item.key);
          reference.delete(item);
        } else if (kind === "poll") {
          const due = reference.sorted.filter(({ timeMs }) => timeMs <= item.timeMs);
          const polled: DueKey[] = [];
          for (let next = index.pollUntil(item.timeMs); next; next = index.pollUntil(item.timeMs))
            polled.push(plain(next));
          expect(polled).toEqual(due);
          for (const each of due) reference.delete(each);
        } else if (kind === "peek") {
          expect(index.first(item.seq).map(plain)).toEqual(reference.sorted.slice(0, item.seq));
          expect(index.peekTimeMs()).toBe(reference.sorted[0]?.timeMs ?? Number.POSITIVE_INFINITY);
        } else if (kind === "checkpoint") {
          index.flush(count);
          saved = { directory: `/checkpoint-${count}`, reference: reference.copy() };
          kv.checkpoint(saved.directory);
          count++;
        } else if (saved.directory !== "") {
          kv.close();
          kv = storeAt(files, saved.directory);
          index = indexOver(kv, headItemsMax);
          expect(index.adoptStored()).toBe(count - 1);
          reference = saved.reference.copy();
          // Its files are this store's now.
          saved = { directory: "", reference };
        }
      }
      expect(index.first(1000).map(plain)).toEqual(reference.sorted);
    }),
    { numRuns: 300 },
  );
});

test("S31: an index goes to others by key groups, with the number that comes next", () => {
  const files = new MemoryKvFiles();
  const kv = storeAt(files, "/db");
  const index = indexOver(kv, 4);
  const all = Array.from({ length: 50 }, (_, seq) => ({ timeMs: 100 - seq, seq, key: `key-${seq}` }));
  for (const { timeMs, seq, key } of all) index.add(timeMs, seq, key);
  index.flush(50);
  const parts = [0, 8].map((start) => {
    const part = indexOver(storeAt(files, `/part-${start}`), 4);
    expect(part.copyFrom(kv, 1, start, start + 8)).toBe(50);
    return part.first(100).map(plain);
  });
  expect(parts.every((part) => part.length > 5)).toBe(true);
  for (const part of parts) expect(part).toEqual([...part].sort((left, right) => left.timeMs - right.timeMs));
  expect(parts.flat().sort((left, right) => left.seq - right.seq)).toEqual(all);
});

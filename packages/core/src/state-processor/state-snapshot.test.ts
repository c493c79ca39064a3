/** Snapshots read back without what wrote them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BinaryWriter } from "../base/binary-writer.ts";
import type { MillraceError } from "../base/errors.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import type { OperatorList } from "../checkpoint/operator-lists.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { type KeyedStateDescriptor, listState, mapState, valueState } from "../state/state-descriptors.ts";
import { createStateHandle } from "../state/state-handles.ts";
import { type WrittenOperator, writeSnapshot } from "../testing/written-snapshot.ts";
import { t } from "../types/declared-types.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Serializer } from "../types/type.ts";
import { toReadableJson } from "./readable-json.ts";
import { diffSnapshots, type SnapshotDifference } from "./snapshot-diff.ts";
import type { StateEntry } from "./state-entry.ts";
import { StateSnapshot } from "./state-snapshot.ts";

// Handles of any kind, as the states of a test need them.
type Handle = Record<"update" | "add" | "put", (...values: unknown[]) => void>;
const handle = (table: KeyedStateTable, descriptor: unknown): Handle =>
  createStateHandle(table, descriptor as KeyedStateDescriptor) as Handle;

const Total = t.object({ amount: t.float64, currency: t.optional(t.string) });

const bytesOf = <T>(serializer: Serializer<T>, values: readonly T[]): Uint8Array[] =>
  values.map((value) => {
    const out = new BinaryWriter();
    serializer.write(value, out);
    return out.finish();
  });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Runs in a simulation, whose disk nobody waits for. */
async function simulated<T>(run: (platform: SimulatedPlatform) => Promise<T>): Promise<T> {
  const platform = createSimulatedPlatform({ seed: 61 });
  let result: { readonly value: T } | undefined;
  await platform.run(async () => {
    result = { value: await run(platform) };
  }, 600_000);
  return result!.value;
}

async function entriesOf(snapshot: StateSnapshot, uid: string, state: string): Promise<StateEntry[]> {
  const reader = await snapshot.operator(uid).state(state);
  const found = await all(reader.entries());
  await reader.close();
  return found;
}

const text = (value: unknown): string => JSON.stringify(toReadableJson(value));
const sorted = (values: readonly unknown[]): readonly string[] => values.map(text).sort();

/** An operator with every kind of state, over some keys. */
function everyKind(parallelism: number, keys: readonly unknown[]): WrittenOperator {
  const fill = (table: KeyedStateTable): ((key: unknown) => void) => {
    const total = handle(table, valueState("total", Total));
    const last = handle(table, valueState("last", learnedType<unknown>()));
    const list = handle(table, listState("list", t.int32));
    const map = handle(table, mapState("map", t.string, t.bigint));
    const seen = handle(table, valueState("seen", t.boolean).enableTimeToLive("1 h"));
    const visits = handle(table, listState("visits", t.int32).enableTimeToLive("1 h"));
    handle(table, valueState("empty", t.string));
    return (key) => {
      total.update({ amount: String(key).length });
      last.update({ key, at: new Date(0), more: undefined, bytes: new Uint8Array([1, 255]) });
      list.add(1);
      list.add(2);
      map.put("a", 1n);
      map.put("b", 2n);
      seen.update(true);
      visits.add(1);
      visits.add(2);
      table.addTimer("event", 1000);
      table.addTimer("processing", 2000);
    };
  };
  const limits = t.object({ limit: t.int32 }).serializer;
  const lists = (subtask: number): readonly OperatorList[] => [
    { name: "splits", mode: "split", elements: [new Uint8Array([subtask])] },
    {
      name: "function/limits",
      mode: "union",
      schema: limits.schema,
      elements: bytesOf(limits, [{ limit: subtask }]),
    },
    {
      name: "function/rates",
      mode: "broadcast",
      schema: { kind: "map", key: { kind: "string" }, value: { kind: "int32" } },
      elements: [rate("EUR", 3), rate("USD", 4)],
    },
  ];
  return { uid: "totals", parallelism, maxParallelism: 16, keys, fill, lists };
}

function rate(key: string, value: number): Uint8Array {
  const out = new BinaryWriter();
  t.string.serializer.write(key, out);
  t.int32.serializer.write(value, out);
  return out.finish();
}

const keys = ["paris", 12, 12n, true, ["a", 1], { id: 4 }];

describe("U04: the state of a snapshot is read without the job", () => {
  test.each([1, 3])("every kind of state, by its schema, at parallelism %i", async (parallelism) => {
    await simulated(async (platform) => {
      const path = await writeSnapshot(platform, "/savepoint", [everyKind(parallelism, keys)]);
      const snapshot = await StateSnapshot.open(FileSystems.local(platform.fs), path);
      const read = (state: string): Promise<StateEntry[]> => entriesOf(snapshot, "totals", state);
      const perKey = (entry: (key: unknown) => unknown): readonly string[] => sorted(keys.map(entry));
      expect(sorted(await read("total"))).toEqual(perKey((key) => ({ key, value: { amount: String(key).length } })));
      const last = { at: new Date(0), more: undefined, bytes: new Uint8Array([1, 255]) };
      expect(sorted(await read("last"))).toEqual(perKey((key) => ({ key, value: { key, ...last } })));
      expect(sorted(await read("list"))).toEqual(perKey((key) => ({ key, value: [1, 2] })));
      expect(sorted(await read("map"))).toEqual(
        sorted(
          keys.flatMap((key) => [
            { key, mapKey: "a", value: 1n },
            { key, mapKey: "b", value: 2n },
          ]),
        ),
      );
      expect((await read("seen")).map(({ value, lastAccessMs }) => [value, typeof lastAccessMs])).toEqual(
        keys.map(() => [true, "number"]),
      );
      for (const { value, lastAccessMs } of await read("visits")) {
        expect(value).toEqual([1, 2]);
        expect(lastAccessMs).toEqual([expect.any(Number), expect.any(Number)]);
      }
      expect(await read("empty")).toEqual([]);
      expect(sorted(await read("timers"))).toEqual(
        sorted(
          keys.flatMap((key) => [
            { key, timer: "event", timeMs: 1000 },
            { key, timer: "processing", timeMs: 2000 },
          ]),
        ),
      );
      const subtasks = Array.from({ length: parallelism }, (_, subtask) => subtask);
      expect(await read("limits")).toEqual(
        subtasks.map((subtask) => ({ subtask, index: 0, value: { limit: subtask } })),
      );
      expect(await read("splits")).toEqual(
        subtasks.map((subtask) => ({ subtask, index: 0, value: new Uint8Array([subtask]) })),
      );
      expect(await read("rates")).toEqual([
        { key: "EUR", value: 3 },
        { key: "USD", value: 4 },
      ]);
    });
  });

  test("what there is, is counted over all subtasks", async () => {
    await simulated(async (platform) => {
      const path = await writeSnapshot(platform, "/savepoint", [everyKind(3, keys)]);
      const snapshot = await StateSnapshot.open(FileSystems.local(platform.fs), path);
      const states = await snapshot.operator("The totals").states();
      expect(states.map(({ name, kind, entries }) => [name, kind, entries])).toEqual([
        ["total", "value", 6],
        ["last", "value", 6],
        ["list", "list", 6],
        ["map", "map", 6],
        ["seen", "ttl-value", 6],
        ["visits", "ttl-list", 6],
        ["empty", "value", 0],
        ["timers", "timers", 6],
        ["splits", "split", 3],
        ["limits", "union", 3],
        ["rates", "broadcast", 2],
      ]);
    });
  });

  test("one key is found in its key group, whatever its type", async () => {
    await simulated(async (platform) => {
      const snapshot = await StateSnapshot.open(
        FileSystems.local(platform.fs),
        await writeSnapshot(platform, "/savepoint", [everyKind(3, keys)]),
      );
      const reader = await snapshot.operator("totals").state("total");
      for (const key of keys)
        expect(sorted(await all(reader.entriesOfKey(key)))).toEqual(
          sorted([{ key, value: { amount: String(key).length } }]),
        );
      expect(await all(reader.entriesOfKey("12"))).toEqual([]);
      await reader.close();
    });
  });

  test("a file of many key groups is never in memory as a whole", async () => {
    await simulated(async (platform) => {
      const long = "x".repeat(20_000);
      const names = Array.from({ length: 200 }, (_, index) => `key ${index}`);
      const fill = (table: KeyedStateTable): ((key: unknown) => void) => {
        const value = handle(table, valueState("value", t.string));
        return (key) => value.update(`${key as string} ${long}`);
      };
      const path = await writeSnapshot(platform, "/savepoint", [
        { uid: "large", parallelism: 1, maxParallelism: 128, keys: names, fill },
      ]);
      let largest = 0;
      const { fs } = platform;
      const watched = Object.assign(Object.create(fs) as typeof fs, {
        stat: (path: string) => fs.stat(path),
        open: async (...given: Parameters<typeof fs.open>) => {
          const file = await fs.open(...given);
          const read = (target: Uint8Array, position: number): Promise<number> => {
            largest = Math.max(largest, target.length);
            return file.read(target, position);
          };
          return Object.assign(Object.create(file) as typeof file, {
            read,
            sizeBytes: () => file.sizeBytes(),
            close: () => file.close(),
          });
        },
      });
      const entries = await entriesOf(await StateSnapshot.open(FileSystems.local(watched), path), "large", "value");
      expect(entries.map(({ key }) => key).sort()).toEqual(names.sort());
      expect(entries.every(({ key, value }) => value === `${key as string} ${long}`)).toBe(true);
      // Of a file of 4 MB; verifying it reads 1 MB at a time.
      expect(largest).toBeLessThanOrEqual(2 ** 20);
    });
  });
});

describe("U04: what is not there or damaged is said", () => {
  const failing = (run: (snapshot: StateSnapshot, platform: SimulatedPlatform) => Promise<unknown>): Promise<unknown> =>
    simulated(async (platform) => {
      const path = await writeSnapshot(platform, "/savepoint", [everyKind(2, keys)]);
      return run(await StateSnapshot.open(FileSystems.local(platform.fs), path), platform).catch(
        (error: MillraceError) => error,
      );
    });

  test("MR_STATE_OPERATOR_NOT_FOUND names the operators", async () => {
    const error = await failing(async (snapshot) => snapshot.operator("total"));
    expect(error).toMatchObject({ code: "MR_STATE_OPERATOR_NOT_FOUND", found: "totals (The totals)" });
  });

  test("MR_STATE_NOT_FOUND names the states", async () => {
    const error = await failing((snapshot) => snapshot.operator("totals").state("totl"));
    expect(error).toMatchObject({ code: "MR_STATE_NOT_FOUND", found: expect.stringMatching(/^total, last, list/) });
  });

  test("a changed bit of a state file is found before anything of it is used", async () => {
    const error = await failing(async (snapshot, { fs }) => {
      const handle = snapshot.metadata.operators[0]!.subtasks[0]!.keyed!;
      const name = handle.kind === "file" ? handle.name : "";
      const file = await fs.open(`/savepoint/${name}`, "update");
      await file.write(new Uint8Array([0x7f]), 40);
      await file.close();
      return entriesOf(snapshot, "totals", "total");
    });
    expect(error).toMatchObject({
      code: "MR_STATE_FILE_CORRUPT",
      where: { file: expect.stringContaining("/savepoint/") },
    });
  });

  test("MR_STATE_NOT_READABLE: a kind of state that this release does not know", async () => {
    const error = await simulated(async (platform) => {
      const fill = (table: KeyedStateTable): ((key: unknown) => void) => {
        const codec = { name: "odd", kind: "heap" as "value", schema: t.string.schema };
        const { write, read } = t.string.serializer;
        table.registerSlot({
          ...codec,
          write: (value, out) => write(value as string, out),
          read,
          readWrittenAs: () => read,
        });
        return () => {
          table.createCurrent().s0 = "x";
        };
      };
      const path = await writeSnapshot(platform, "/savepoint", [
        { uid: "odd", parallelism: 1, maxParallelism: 4, keys: ["a"], fill },
      ]);
      return entriesOf(await StateSnapshot.open(FileSystems.local(platform.fs), path), "odd", "odd").catch(
        (failure: unknown) => failure,
      );
    });
    expect(error).toMatchObject({ code: "MR_STATE_NOT_READABLE", where: { uid: "odd", state: "odd" } });
  });
});

interface Side {
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly values: Readonly<Record<string, number>>;
}

const side: fc.Arbitrary<Side> = fc.record({
  parallelism: fc.integer({ min: 1, max: 4 }),
  maxParallelism: fc.constantFrom(8, 16),
  values: fc.dictionary(fc.constantFrom(..."abcdefghij"), fc.integer({ min: 0, max: 2 })),
});

function sideOperator({ parallelism, maxParallelism, values }: Side): WrittenOperator {
  const fill = (table: KeyedStateTable): ((key: unknown) => void) => {
    const value = handle(table, valueState("value", t.object({ count: t.int32 })));
    return (key) => value.update({ count: values[key as string]! });
  };
  return { uid: "counts", parallelism, maxParallelism, keys: Object.keys(values), fill };
}

/** What is expected: compared as plain objects. */
function naiveDifferences(from: Side["values"], to: Side["values"]): readonly string[] {
  const found: string[] = [];
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (from[key] === undefined) found.push(`added ${key} ${to[key]}`);
    else if (to[key] === undefined) found.push(`removed ${key} ${from[key]}`);
    else if (from[key] !== to[key]) found.push(`changed ${key} ${from[key]} -> ${to[key]}`);
  }
  return found.sort();
}

function foundDifferences(differences: readonly SnapshotDifference[]): readonly string[] {
  const found: string[] = [];
  for (const difference of differences) {
    if (difference.kind !== "entry") continue;
    const { change, entry, fields } = difference;
    const count = (entry.value as { readonly count: number }).count;
    const [field] = fields;
    found.push(`${change} ${entry.key} ${field === undefined ? count : `${field.from} -> ${field.to}`}`);
    if (field !== undefined) expect(field.path).toBe("count");
  }
  return found.sort();
}

describe("U04: the difference of two snapshots", () => {
  test("is what a comparison of all entries says, at any parallelism and maximum parallelism", async () => {
    await fc.assert(
      fc.asyncProperty(side, side, async (from, to) => {
        const differences = await simulated(async (platform) => {
          const before = await writeSnapshot(platform, "/from", [sideOperator(from)]);
          const after = await writeSnapshot(platform, "/to", [sideOperator(to)]);
          const open = (path: string): Promise<StateSnapshot> =>
            StateSnapshot.open(FileSystems.local(platform.fs), path);
          return all(diffSnapshots(await open(before), await open(after)));
        });
        const expected = naiveDifferences(from.values, to.values);
        expect(foundDifferences(differences)).toEqual(expected);
        const { counts } = differences.find((each) => each.kind === "counts")!;
        expect(counts.added + counts.removed + counts.changed).toBe(expected.length);
        expect(counts.same + counts.added + counts.changed).toBe(Object.keys(to.values).length);
      }),
      { numRuns: 20 },
    );
  });

  test("a snapshot of every kind of state differs from itself in nothing, whatever the parallelism of the other", async () => {
    await simulated(async (platform) => {
      const open = (path: string): Promise<StateSnapshot> => StateSnapshot.open(FileSystems.local(platform.fs), path);
      const first = await open(await writeSnapshot(platform, "/first", [everyKind(2, keys)]));
      const second = await open(await writeSnapshot(platform, "/second", [everyKind(2, keys)]));
      expect((await all(diffSnapshots(first, second))).filter(({ kind }) => kind !== "counts")).toEqual([]);
      const third = await open(await writeSnapshot(platform, "/third", [everyKind(3, keys)]));
      const differences = (await all(diffSnapshots(first, third))).filter(({ kind }) => kind !== "counts");
      // Only the lists of the third subtask, and that there is one.
      expect(
        differences.map((each) =>
          "state" in each && each.kind !== "counts" ? `${each.change} ${each.state}` : each.kind,
        ),
      ).toEqual(["operator", "added splits", "added limits"]);
    });
  });

  test("operators, states and fields of schemas that only one has are named", async () => {
    const operator = (
      uid: string,
      type: typeof Total | ReturnType<typeof t.object>,
      names: readonly string[],
    ): WrittenOperator => ({
      uid,
      parallelism: 1,
      maxParallelism: 4,
      keys: [],
      fill: (table) => {
        for (const name of names) handle(table, valueState(name, type as never));
        return () => {};
      },
    });
    const differences = await simulated(async (platform) => {
      const wider = t.object({ amount: t.string, rate: t.int32 });
      const from = [operator("kept", Total, ["total", "old"]), operator("gone", Total, [])];
      const to = [operator("kept", wider, ["total", "young"]), operator("new", Total, [])];
      const open = (path: string): Promise<StateSnapshot> => StateSnapshot.open(FileSystems.local(platform.fs), path);
      const before = await open(await writeSnapshot(platform, "/from", from));
      return all(diffSnapshots(before, await open(await writeSnapshot(platform, "/to", to))));
    });
    expect(differences.filter(({ kind }) => kind !== "counts")).toEqual([
      {
        kind: "state",
        uid: "kept",
        state: "total",
        change: "changed",
        fields: [
          { path: "amount", from: "float64", to: "string" },
          { path: "currency", from: "optional(string)" },
          { path: "rate", to: "int32" },
        ],
      },
      { kind: "state", uid: "kept", state: "old", change: "removed" },
      { kind: "state", uid: "kept", state: "young", change: "added" },
      { kind: "operator", uid: "gone", name: "The gone", change: "removed" },
      { kind: "operator", uid: "new", name: "The new", change: "added" },
    ]);
  });
});

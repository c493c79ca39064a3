/** What is in snapshots as the files of local stores, read without the job. */
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { Configuration } from "../config/configuration.ts";
import type { KeyedProcessContext, KeyedProcessFunction, RuntimeContext } from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { MapState, ValueState } from "../state/keyed-state.ts";
import { mapState, valueState } from "../state/state-descriptors.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { at, type BuildJob, checkpointed, counted, halfway, numbers, type Settings } from "../testing/upgrade-jobs.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";
import { SavepointReader } from "./savepoint-reader.ts";
import { diffSnapshots } from "./snapshot-diff.ts";
import type { StateReader } from "./state-reader.ts";
import type { KeyedStateReaderFunction } from "./state-reader-functions.ts";
import { StateSnapshot } from "./state-snapshot.ts";

const KEYS = 20;
const settings: Settings = {
  ...checkpointed,
  "state.backend.type": "rocksdb",
  "state.backend.rocksdb.object-cache.max-entries": "16",
  "execution.checkpointing.incremental": "true",
  "execution.checkpointing.data-inline-threshold": "0 b",
};

class Remembering implements KeyedProcessFunction<number, number, string> {
  private seen!: MapState<number, number>;
  private last!: ValueState<unknown>;

  open(context: RuntimeContext): void {
    this.seen = context.getMapState(mapState("seen", t.int32, t.int32));
    // Without a declared type: what is known of its fields is written with the values.
    this.last = context.getState(valueState<unknown>("last"));
  }

  processElement(n: number, context: KeyedProcessContext<number>): void {
    this.seen.put(n, n * n);
    this.last.update({ number: n, text: `number ${n}`, even: n % 2 === 0 });
    context.timerService.registerEventTimeTimer(1_000_000 + n);
  }
}

/** Nothing of it changes any more when the savepoints are taken. */
const build: BuildJob = (env, rows) => {
  const stream = numbers(env).filter((n) => n < 60);
  counted(stream, "a", "counts").sinkTo(rows.sink()).uid("counted");
  stream
    .keyBy((n) => n % KEYS)
    .process(new Remembering())
    .uid("remembering")
    .sinkTo(rows.sink())
    .uid("remembered");
  stream
    .map((n) => ({ key: n % KEYS, sum: n }))
    .keyBy((value) => value.key)
    .window(TumblingEventTimeWindows.of("1 h"))
    .reduce((left, right) => ({ key: left.key, sum: left.sum + right.sum }))
    .uid("windows")
    .map(({ key, sum }) => `sum ${key} ${sum}`)
    .sinkTo(rows.sink())
    .uid("summed");
};

async function withSavepoints(
  use: (platform: SimulatedPlatform, paths: { readonly native: string; readonly canonical: string }) => Promise<void>,
): Promise<void> {
  const platform = createSimulatedPlatform({ seed: 41 });
  await platform.run(async () => {
    const client = await halfway(platform, { ...settings, ...at(2) }, (env) => build(env, new CommittedRows()));
    const canonical = await client.triggerSavepoint("/savepoints/canonical", "CANONICAL");
    const native = await client.triggerSavepoint("/savepoints/native", "NATIVE");
    await client.cancel();
    await use(platform, { native, canonical });
    expect(platform.storage.disk.list("/tmp")).toEqual([]);
  }, 120_000);
}

const open = (platform: SimulatedPlatform, path: string): Promise<StateSnapshot> =>
  StateSnapshot.on(platform, new Configuration(), path);

async function entriesOf(reader: StateReader): Promise<readonly unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of reader.entries()) entries.push(entry);
  await reader.close();
  return entries;
}

/** What a function has seen of each key. */
class Seen implements KeyedStateReaderFunction<number, string> {
  private seen!: MapState<number, number>;

  open(context: Parameters<NonNullable<KeyedStateReaderFunction<number, string>["open"]>>[0]): void {
    this.seen = context.getMapState(mapState("seen", t.int32, t.int32));
  }

  readKey(...[key, , out]: Parameters<KeyedStateReaderFunction<number, string>["readKey"]>): void {
    out.collect(`${key}: ${[...this.seen.keys()].sort((left, right) => left - right).join(" ")}`);
  }
}

describe("U04: tools and programs on native snapshots", () => {
  test("U04: states, entries, timers and windows are those of a canonical savepoint of the same moment", async () => {
    await withSavepoints(async (platform, { native, canonical }) => {
      const [left, right] = [await open(platform, canonical), await open(platform, native)];
      const differences = [];
      for await (const each of diffSnapshots(left, right)) differences.push(each);
      // The time of the source goes on.
      const keyed = differences.filter(
        (each) =>
          ["counts", "remembering", "windows"].includes(each.uid) && !("state" in each && each.state === "_watermark"),
      );
      expect(keyed.filter(({ kind }) => kind !== "counts")).toEqual([]);
      const same = (state: string, count: number): object => ({
        kind: "counts",
        state,
        counts: { added: 0, removed: 0, changed: 0, same: count },
      });
      expect(keyed).toEqual(
        expect.arrayContaining([
          expect.objectContaining(same("seen", 60)),
          expect.objectContaining(same("last", KEYS)),
          expect.objectContaining(same("timers", 60)),
        ]),
      );
      const summaries = async (snapshot: StateSnapshot): Promise<unknown> =>
        Promise.all(
          ["counts", "remembering", "windows"].map(async (uid) =>
            (await snapshot.operator(uid).states()).map(({ name, kind, keyGroups, entries, schema }) => ({
              name,
              kind,
              keyGroups,
              entries,
              schema,
            })),
          ),
        );
      expect(await summaries(right)).toEqual(await summaries(left));
      // Values without a declared type are parts of their key group each, which is one all the same.
      const states = new Map((await right.operator("remembering").states()).map((state) => [state.name, state]));
      expect(states.get("last")!.keyGroups).toBe(states.get("seen")!.keyGroups);
    });
  });

  test("U04: a key is looked up, and programs read keys and windows", async () => {
    await withSavepoints(async (platform, { native, canonical }) => {
      const reader = await (await open(platform, native)).operator("remembering").state("last");
      const found: unknown[] = [];
      for await (const entry of reader.entriesOfKey(7)) found.push(entry);
      await reader.close();
      expect(found).toEqual([{ key: 7, value: { number: 47, text: "number 47", even: false } }]);
      const read = async (path: string): Promise<readonly unknown[]> => {
        const savepoint = await SavepointReader.on(platform, path);
        const rows: unknown[] = [];
        for await (const row of savepoint.readKeyedState("remembering", new Seen())) rows.push(row);
        const sums = savepoint
          .window(TumblingEventTimeWindows.of("1 h"))
          .reduce<{ key: number; sum: number }>("windows", (one, other) => ({
            key: one.key,
            sum: one.sum + other.sum,
          }));
        for await (const { key, value } of sums) rows.push(`${key} ${value.sum}`);
        return rows.toSorted();
      };
      const rows = await read(native);
      expect(rows).toEqual(await read(canonical));
      expect(rows).toHaveLength(2 * KEYS);
      expect(rows).toContain("7: 7 27 47");
      expect(rows).toContain("7 81");
    });
  });

  test("U04: where no store can be opened, sizes are told, and what is to be installed for the rest", async () => {
    await withSavepoints(async (platform, { native }) => {
      const load = (): Promise<never> =>
        Promise.reject(new MillraceError("MR_ROCKSDB_UNAVAILABLE", { what: "no store", todo: "install it" }));
      const { fs, clock, random, proc, packages } = platform;
      const without = {
        fs,
        clock,
        random,
        proc,
        packages,
        stores: Object.assign(Object.create(platform.stores), { load }),
      };
      const operator = (await StateSnapshot.on(without, new Configuration(), native)).operator("remembering");
      const [state] = await operator.states();
      expect(state).toMatchObject({ name: "keyed state", kind: "store", keyGroups: 128 });
      await expect(entriesOf(await operator.state("keyed state"))).rejects.toThrow(/MR_ROCKSDB_UNAVAILABLE/);
    });
  });

  test("U04: a file of a store that has changed is refused, and nothing of it is left on the disk", async () => {
    await withSavepoints(async (platform, { native }) => {
      const snapshot = await open(platform, native);
      const operator = snapshot.operator("counts");
      for (const { keyed } of operator.metadata.subtasks) {
        if (keyed?.kind !== "store") throw new Error("no store");
        const [file] = keyed.files;
        if (file?.handle.kind === "file") platform.storage.disk.flipBit(`${native}/${file.handle.name}`, 1, 2);
      }
      await expect(operator.states()).rejects.toThrow(/MR_STATE_FILE_CORRUPT/);
    });
  });
});

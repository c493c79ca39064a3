/** What jobs with windows have written, read back: every operator has counted the same records. */
import { expect, test } from "vitest";
import { readState } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { at, checkpointed, halfway } from "../testing/upgrade-jobs.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import type { StateEntry } from "./state-entry.ts";
import { StateSnapshot } from "./state-snapshot.ts";

interface Counted {
  readonly key: string;
  readonly count: number;
}

const sum = (left: Counted, right: Counted): Counted => ({ key: left.key, count: left.count + right.count });

/** Counts by key in a reduce, and in windows of every layout that do not fire. */
function build(env: StreamExecutionEnvironment, rows: CommittedRows): void {
  const records = env.fromSource(
    DataGeneratorSource.of((n): Counted => ({ key: `k${n % 4}`, count: 1 }), 1e6, { ratePerSecond: 400 }),
    { boundedOutOfOrderness: 0, timestamp: () => 5 },
    "records",
  );
  const keyed = records.keyBy(({ key }) => key);
  keyed.reduce(sum).uid("counts").sinkTo(rows.sink());
  keyed.window(TumblingEventTimeWindows.of("10 s")).reduce(sum).uid("slices").sinkTo(rows.sink());
  keyed.window(SlidingEventTimeWindows.of("10 s", "5 s")).reduce(sum).uid("overlapping").sinkTo(rows.sink());
  keyed.window(EventTimeSessionWindows.withGap("10 s")).reduce(sum).uid("sessions").sinkTo(rows.sink());
  keyed.countWindow(1_000_000).reduce(sum).uid("triggered").sinkTo(rows.sink());
}

test("U04: what the enumerator of a source keeps is listed with the source, as bytes", async () => {
  const platform = createSimulatedPlatform({ seed: 63 });
  await platform.run(async () => {
    const rows = new CommittedRows();
    const client = await halfway(platform, { ...checkpointed, ...at(2) }, (env) => build(env, rows));
    const path = await client.stopWithSavepoint(false, "/savepoints");
    const snapshot = await StateSnapshot.open(FileSystems.local(platform.fs), path);
    const { uid, handle } = { ...snapshot.metadata.coordinators[0]! };
    const source = snapshot.operator(uid);
    const states = await source.states();
    expect(states.find(({ name }) => name === "enumerator")).toMatchObject({ kind: "enumerator", entries: 1 });
    const reader = await source.state("enumerator");
    const entries: StateEntry[] = [];
    for await (const entry of reader.entries()) entries.push(entry);
    expect(entries).toEqual([{ value: await readState(FileSystems.local(platform.fs), path, handle) }]);
  }, 600_000);
});

test.each([1, 2])(
  "U04: contents of windows of every kind are read without the job, at parallelism %i",
  async (parallelism) => {
    const platform = createSimulatedPlatform({ seed: 62 });
    await platform.run(async () => {
      const rows = new CommittedRows();
      const client = await halfway(platform, { ...checkpointed, ...at(parallelism) }, (env) => build(env, rows));
      const snapshot = await StateSnapshot.open(
        FileSystems.local(platform.fs),
        await client.stopWithSavepoint(false, "/savepoints"),
      );
      const read = async (uid: string, state: string): Promise<StateEntry[]> => {
        const reader = await snapshot.operator(uid).state(state);
        const entries: StateEntry[] = [];
        for await (const entry of reader.entries()) entries.push(entry);
        await reader.close();
        return entries.sort((left, right) => ((left.key as string) < (right.key as string) ? -1 : 1));
      };
      const counts = await read("counts", "_reduce");
      expect(counts.map(({ key }) => key)).toEqual(["k0", "k1", "k2", "k3"]);
      expect((counts[0]!.value as Counted).count).toBeGreaterThan(10);
      const windows = async (uid: string, place: Partial<StateEntry>): Promise<void> => {
        const expected = counts.map((entry) => ({ ...entry, ...place, windowNumber: expect.any(Number) as number }));
        expect(await read(uid, "_windows"), uid).toEqual(expected);
      };
      await windows("slices", { window: { start: 0, end: 10_000 } });
      await windows("overlapping", { slice: { start: 0, end: 5_000 } });
      await windows("sessions", { window: { start: 5, end: 10_005 } });
      await windows("triggered", { window: "global" });
      const numbers = new Map(
        (await read("triggered", "_windows")).map(({ key, windowNumber }) => [key, windowNumber]),
      );
      const [trigger] = (await snapshot.operator("triggered").states()).filter(({ name }) =>
        name.startsWith("_trigger."),
      );
      expect(await read("triggered", trigger!.name)).toEqual(
        counts.map(({ key, value }) => ({
          key,
          windowNumber: numbers.get(key),
          value: (value as Counted).count,
        })),
      );
    }, 600_000);
  },
);

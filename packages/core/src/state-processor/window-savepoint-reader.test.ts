/** Contents of windows, read by programs and compared with what the records say that the operator has seen. */
import { describe, expect, expectTypeOf, test } from "vitest";
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type {
  AggregateFunction,
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedStateStore,
  ProcessWindowContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { WindowAssigner } from "../operators/window/window-assigner.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState } from "../state/keyed-state.ts";
import { listState } from "../state/state-descriptors.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { at, checkpointed, halfway } from "../testing/upgrade-jobs.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import type { Window } from "../time/window.ts";
import { t } from "../types/declared-types.ts";
import type { Type } from "../types/type.ts";
import { SavepointReader } from "./savepoint-reader.ts";
import type { WindowState } from "./window-savepoint-reader.ts";

interface Seen {
  readonly key: string;
  readonly atMs: number;
  readonly n: number;
}

const add = (left: Seen, right: Seen): Seen => ({ key: left.key, atMs: -1, n: left.n + right.n });

class Mean implements AggregateFunction<Seen, { sum: number; count: number }, number> {
  createAccumulator(): { sum: number; count: number } {
    return { sum: 0, count: 0 };
  }
  add({ n }: Seen, accumulator: { sum: number; count: number }): { sum: number; count: number } {
    accumulator.sum += n;
    accumulator.count++;
    return accumulator;
  }
  getResult({ sum, count }: { sum: number; count: number }): number {
    return sum / count;
  }
  merge(left: { sum: number; count: number }, right: { sum: number; count: number }): { sum: number; count: number } {
    left.sum += right.sum;
    left.count += right.count;
    return left;
  }
}

/** A window of a type of its own. */
class Parity implements Window {
  readonly maxTimestamp: number = 1e9;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const parityType = {
  ...t.string,
  serializer: {
    schema: { kind: "string" },
    write: ({ name }: Parity, out: BinaryWriter) => t.string.serializer.write(name, out),
    read: (input: BinaryReader) => new Parity(t.string.serializer.read(input)),
  },
} as unknown as Type<Parity>;

class Parities extends WindowAssigner<Seen, Parity> {
  override readonly isEventTime = true;
  override readonly windowType: Type<Parity> = parityType;
  override assignWindows({ n }: Seen): readonly Parity[] {
    return [new Parity(n % 2 === 0 ? "even" : "odd")];
  }
}

/** Remembers all records of its key. */
class Remembering implements KeyedProcessFunction<string, Seen, Seen> {
  private all!: ListState<Seen>;
  open(states: KeyedStateStore | RuntimeContext): void {
    this.all = states.getListState(listState<Seen>("all"));
  }
  processElement(seen: Seen, _context: KeyedProcessContext<string>, out: Collector<Seen>): void {
    this.all.add(seen);
    out.collect(seen);
  }
  readKey(_key: string, _context: unknown, out: Collector<readonly Seen[]>): void {
    out.collect([...this.all.get()]);
  }
}

const hundred = TumblingEventTimeWindows.of("100 ms");
const overlapping = SlidingEventTimeWindows.of("300 ms", "100 ms");
const uneven = SlidingEventTimeWindows.of("250 ms", "100 ms");
const sessions = EventTimeSessionWindows.withGap("7 ms");

/** @param lateMs - How far watermarks are behind: with much of it no window fires. */
function build(env: StreamExecutionEnvironment, rows: CommittedRows, lateMs: number): void {
  const keyed = env
    .fromSource(
      DataGeneratorSource.of((n): Seen => ({ key: `k${n % 3}`, atMs: n * 10, n }), 1e6, { ratePerSecond: 300 }),
      { boundedOutOfOrderness: lateMs, timestamp: ({ atMs }) => atMs },
      "records",
    )
    .keyBy(({ key }) => key);
  keyed.process(new Remembering()).uid("all").sinkTo(rows.sink());
  keyed.window(hundred).aggregate(new Mean()).uid("tumbling").sinkTo(rows.sink());
  keyed
    .window(overlapping)
    .reduce(add, {
      process: (key: string, { window }: ProcessWindowContext, _: Iterable<Seen>, out: Collector<string>): void =>
        out.collect(`fired ${key} ${window.start}`),
    })
    .uid("overlapping")
    .sinkTo(rows.sink());
  keyed.window(uneven).aggregate(new Mean()).uid("uneven").sinkTo(rows.sink());
  keyed.window(sessions).reduce(add).uid("sessions").sinkTo(rows.sink());
  keyed
    .window(new Parities())
    .process({ process: (_k: string, _c: unknown, _e: Iterable<Seen>, _out: Collector<Seen>): void => {} })
    .uid("parities")
    .sinkTo(rows.sink());
}

interface Stopped {
  readonly reader: SavepointReader;
  readonly all: readonly Seen[];
  readonly rows: readonly string[];
}

async function stopped(parallelism: number, lateMs: number, look: (found: Stopped) => Promise<void>): Promise<void> {
  const platform = createSimulatedPlatform({ seed: 65 });
  await platform.run(async () => {
    const rows = new CommittedRows();
    const client = await halfway(platform, { ...checkpointed, ...at(parallelism) }, (env) => build(env, rows, lateMs));
    const path = await client.stopWithSavepoint(false, "/savepoints");
    const reader = await SavepointReader.on(platform, path);
    const all = (await every(reader.readKeyedState("all", new Remembering()))).flat();
    expect(all.length).toBeGreaterThan(60);
    await look({ reader, all, rows: rows.rows });
  }, 600_000);
}

async function every<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** By key and window, what the records say. */
function expected<V>(
  all: readonly Seen[],
  windowsOf: (seen: Seen) => readonly string[],
  of: (inWindow: readonly Seen[]) => V,
): ReadonlyMap<string, V> {
  const windows = new Map<string, Seen[]>();
  for (const seen of all) {
    for (const window of windowsOf(seen)) {
      const name = `${seen.key} ${window}`;
      windows.set(name, [...(windows.get(name) ?? []), seen]);
    }
  }
  return new Map([...windows].map(([name, inWindow]) => [name, of(inWindow)]));
}

const named = <V>(states: readonly WindowState<unknown, TimeWindow, V>[]): ReadonlyMap<string, V> =>
  new Map(states.map(({ key, window, value }) => [`${key as string} ${window.start}-${window.end}`, value]));
const spans = (windows: readonly TimeWindow[]): string[] => windows.map(({ start, end }) => `${start}-${end}`);
const meanOf = (inWindow: readonly Seen[]): number => inWindow.reduce((sum, { n }) => sum + n, 0) / inWindow.length;
const sumOf = (inWindow: readonly Seen[]): number => inWindow.reduce((sum, { n }) => sum + n, 0);

describe("F19: windows", () => {
  test.each([1, 2])(
    "F19: windows of every kind are read as the records say, at parallelism %i",
    async (parallelism) => {
      await stopped(parallelism, 1e6, async ({ reader, all }) => {
        const means = reader.window(hundred).aggregate("tumbling", new Mean());
        expectTypeOf(means).toEqualTypeOf<AsyncIterable<WindowState<unknown, TimeWindow, number>>>();
        expect(named(await every(means))).toEqual(expected(all, ({ atMs }) => spans(hundred.assign(atMs)), meanOf));

        const sums = await every(reader.window(overlapping).reduce("overlapping", add));
        expect(new Map([...named(sums)].map(([name, { n }]) => [name, n]))).toEqual(
          expected(all, ({ atMs }) => spans(overlapping.assign(atMs)), sumOf),
        );
        expect(named(await every(reader.window(uneven).aggregate("uneven", new Mean())))).toEqual(
          expected(all, ({ atMs }) => spans(uneven.assign(atMs)), meanOf),
        );
        // Records of a key are 30 ms apart, the gap is 7 ms: each is a session.
        expect(
          new Map([...named(await every(reader.window(sessions).reduce("sessions", add)))].map(([k, v]) => [k, v.n])),
        ).toEqual(expected(all, ({ atMs }) => [`${atMs}-${atMs + 7}`], sumOf));

        const parities = await every(reader.window(new Parities()).process<Seen, string>("parities"));
        expectTypeOf(parities).toEqualTypeOf<WindowState<string, Parity, readonly Seen[]>[]>();
        const found = parities.map(({ key, window, value }) => [`${key} ${window.name}`, value] as const);
        expect(new Map(found.map(([name, value]) => [name, [...value].sort((a, b) => a.n - b.n)]))).toEqual(
          expected(
            all,
            ({ n }) => [n % 2 === 0 ? "even" : "odd"],
            (seen) => [...seen].sort((a, b) => a.n - b.n),
          ),
        );
        expect(parities[0]!.window).toBeInstanceOf(Parity);
      });
    },
  );

  test("F19: windows that overlap are read when they have not fired: those that have are in the output", async () => {
    await stopped(1, 0, async ({ reader, all, rows }) => {
      const open = await every(reader.window(overlapping).reduce("overlapping", add));
      const fired = rows.map((row) => JSON.parse(row) as unknown).filter((row) => String(row).startsWith("fired "));
      const firedNames = fired.map((row) => String(row).slice("fired ".length));
      const openNames = open.map(({ key, window }) => `${key as string} ${window.start}`);
      expect(openNames.length).toBeGreaterThan(3);
      expect(firedNames.length).toBeGreaterThan(3);
      const everyName = expected(all, ({ atMs }) => overlapping.assign(atMs).map(({ start }) => `${start}`), sumOf);
      expect([...firedNames, ...openNames].sort()).toEqual([...everyName.keys()].sort());
      for (const { key, window, value } of open)
        expect(value.n).toBe(everyName.get(`${key as string} ${window.start}`));
    });
  });

  test("F19: windows of another size, and operators without windows, are refused by name", async () => {
    await stopped(1, 1e6, async ({ reader }) => {
      const other = SlidingEventTimeWindows.of("500 ms", "100 ms");
      await expect(every(reader.window(other).reduce("overlapping", add))).rejects.toMatchObject({
        code: "MR_WINDOW_STATE_INCOMPATIBLE",
        where: { uid: "overlapping" },
      });
      await expect(every(reader.window(hundred).reduce("all", add))).rejects.toMatchObject({
        code: "MR_STATE_NOT_FOUND",
      });
      // Only the assigner says what they are.
      await expect(every(reader.window(hundred).process("parities"))).rejects.toMatchObject({
        code: "MR_STATE_NOT_READABLE",
      });
    });
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import type { Clock, Platform } from "../platform/platform.ts";
import type { Serializer } from "../types/type.ts";
import { CollectionSource } from "./collection-source.ts";
import { DataGeneratorSource } from "./generator-source.ts";
import { NumberSequenceSource } from "./sequence-source.ts";
import type { ReaderOutput, Source, SourceReader, SourceSplit } from "./source.ts";
import type { StridedSplit } from "./strided-split.ts";

/** A clock that stands still until it is moved. */
class ManualClock implements Clock {
  nowMs = 0;
  readonly waiting: { atMs: number; action: () => void }[] = [];
  wallMs = (): number => this.nowMs;
  monoMs = (): number => this.nowMs;
  soon = (action: () => void): (() => void) => this.after(0, action);
  after(delayMs: number, action: () => void): () => void {
    const entry = { atMs: this.nowMs + delayMs, action };
    this.waiting.push(entry);
    return () => this.waiting.splice(this.waiting.indexOf(entry), 1);
  }
  /** Moves to the next timer and runs it; false without one. */
  advance(): boolean {
    const next = this.waiting.sort((left, right) => left.atMs - right.atMs).shift();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.action();
    return true;
  }
}

class Output<T> implements ReaderOutput<T> {
  values: T[] = [];
  remaining = 0;
  finished: string[] = [];
  collect(value: T): void {
    this.remaining--;
    this.values.push(value);
  }
  fromSplit(): void {}
  splitStarted(_splitId: string): void {}

  splitFinished(splitId: string): void {
    this.finished.push(splitId);
  }
  poison(): void {
    throw new Error("no poison here");
  }
}

// Only the clock is used by these sources.
const platformWith = (clock: Clock): Platform => ({ clock }) as Platform;
const platform = platformWith(new ManualClock());

function throughBytes<T>(serializer: Serializer<T>, value: T): T {
  const out = new BinaryWriter();
  serializer.write(value, out);
  const bytes = out.finish();
  const input = new BinaryReader(bytes);
  const read = serializer.read(input);
  expect(input.remaining).toBe(0);
  return read;
}

function assign<T, S extends SourceSplit, E>(source: Source<T, S, E>, parallelism: number): S[][] {
  const assigned: S[][] = Array.from({ length: parallelism }, () => []);
  const enumerator = source.createEnumerator({
    platform,
    currentParallelism: parallelism,
    assignSplit: (split, subtaskIndex) => assigned[subtaskIndex]!.push(split),
    signalNoMoreSplits: () => {},
  });
  for (let subtask = 0; subtask < parallelism; subtask++) enumerator.addReader(subtask);
  const state = throughBytes(source.enumeratorStateSerializer, enumerator.snapshotState(1));
  source
    .restoreEnumerator(
      {
        platform,
        currentParallelism: parallelism,
        assignSplit: () => expect.unreachable("everything was assigned before the snapshot"),
        signalNoMoreSplits: () => {},
      },
      state,
    )
    .addReader(0);
  return assigned;
}

function open<T, S extends SourceSplit>(source: Source<T, S, never>, splits: readonly S[]): SourceReader<T, S> {
  const reader = source.createReader({
    platform,
    subtaskIndex: 0,
    parallelism: 1,
    sendSplitRequest: () => {},
    sendSourceEventToCoordinator: () => {},
  });
  reader.start();
  reader.addSplits(splits);
  reader.notifyNoMoreSplits();
  return reader;
}

/** Reads to the end; after `stopAfter` polls goes on with a new reader from the snapshot. */
function readAll<T, S extends SourceSplit, E>(
  source: Source<T, S, E>,
  splits: readonly S[],
  batch: number,
  stopAfter: number,
): T[] {
  // The cast holds: open uses no enumerator state.
  const untyped = source as unknown as Source<T, S, never>;
  const output = new Output<T>();
  let reader = open(untyped, splits);
  for (let polls = 0; ; polls++) {
    if (polls === stopAfter)
      reader = open(
        untyped,
        reader.snapshotState(1).map((split) => throughBytes(source.splitSerializer, split)),
      );
    output.remaining = batch;
    if (reader.pollNext(output) === "end-of-input") break;
  }
  return output.values;
}

const runs = fc.record({
  count: fc.integer({ min: 0, max: 60 }),
  parallelism: fc.integer({ min: 1, max: 7 }),
  batch: fc.integer({ min: 1, max: 9 }),
  stopAfter: fc.integer({ min: 0, max: 20 }),
});

test("S43, F07: a collection is emitted once, in order within each contiguous part, across a restore at any point", () => {
  fc.assert(
    fc.property(runs, ({ count, parallelism, batch, stopAfter }) => {
      const values = Array.from({ length: count }, (_, index) => `v${index}`);
      const source = CollectionSource.of(values);
      const parts = assign(source, parallelism).map((splits) => readAll(source, splits, batch, stopAfter));
      expect(parts.flat()).toEqual(values);
    }),
  );
});

test("F07: a sequence holds every number from first to last once", () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: -50, max: 50 }), ({ count, parallelism, batch, stopAfter }, from) => {
      const source = NumberSequenceSource.of(from, from + count - 1);
      const parts = assign(source, parallelism).map((splits) => readAll(source, splits, batch, stopAfter));
      expect(parts.flat()).toEqual(Array.from({ length: count }, (_, index) => from + index));
    }),
  );
});

test("F07: subtask s of p generates the indices s, s + p, s + 2p and leaves out what the function does", () => {
  fc.assert(
    fc.property(runs, ({ count, parallelism, batch, stopAfter }) => {
      const source = DataGeneratorSource.of((index) => (index % 3 === 1 ? undefined : index), count);
      assign(source, parallelism).forEach((splits, subtask) => {
        const expected = Array.from({ length: count }, (_, index) => index);
        const mine = expected.filter((index) => index % parallelism === subtask && index % 3 !== 1);
        expect(readAll(source, splits, batch, stopAfter)).toEqual(mine);
      });
    }),
  );
});

test("S43: strides restored at another parallelism stay as they were and advance together in one reader", () => {
  const source = DataGeneratorSource.of((index) => index, 9);
  const strides = assign(source, 3).flat();
  expect(readAll(source, strides, 2, 2)).toEqual([0, 3, 1, 4, 2, 5, 6, 7, 8]);
});

test("splits that come back are given to the subtask they belong to when it registers again", () => {
  const source = CollectionSource.of([1, 2, 3, 4]);
  const given: string[] = [];
  const context = {
    platform,
    currentParallelism: 2,
    assignSplit: (split: SourceSplit, subtask: number) => given.push(`${split.splitId} to ${subtask}`),
    signalNoMoreSplits: () => {},
  };
  const enumerator = source.createEnumerator(context);
  enumerator.addReader(0);
  enumerator.addReader(1);
  enumerator.addSplitsBack([{ splitId: "range-1", next: 3, step: 1, end: 4 }]);
  expect(enumerator.snapshotState().unassigned).toHaveLength(1);
  enumerator.addReader(0);
  enumerator.addReader(1);
  expect(given).toEqual(["range-0 to 0", "range-1 to 1", "range-1 to 1"]);
});

test("a rate-limited generator waits on a timer and keeps the rate of its share", async () => {
  const clock = new ManualClock();
  const source = DataGeneratorSource.of((index) => index, 100, { ratePerSecond: 100 });
  const reader = source.createReader({
    platform: platformWith(clock),
    subtaskIndex: 0,
    parallelism: 2,
    sendSplitRequest: () => {},
    sendSourceEventToCoordinator: () => {},
  });
  reader.start();
  reader.addSplits([{ splitId: "stride-0", next: 0, step: 2, end: 100 }]);
  reader.notifyNoMoreSplits();
  const output = new Output<number>();
  let polls = 0;
  for (let status = ""; status !== "end-of-input"; polls++) {
    output.remaining = 64;
    status = reader.pollNext(output);
    if (status === "nothing-available") expect(clock.advance()).toBe(true);
    await reader.isAvailable();
  }
  expect(output.values).toHaveLength(50);
  expect(clock.nowMs).toBeGreaterThanOrEqual(980);
  expect(clock.nowMs).toBeLessThanOrEqual(1100);
  expect(polls).toBeLessThanOrEqual(110);
});

test("a rate-limited generator keeps its rate with several strides in one reader", async () => {
  const clock = new ManualClock();
  const source = DataGeneratorSource.of((index) => index, 100, { ratePerSecond: 100 });
  const { values } = await readTimed(source, assign(source, 4).flat(), clock);
  expect(values).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect(clock.nowMs).toBeGreaterThanOrEqual(980);
});

const sources: readonly (readonly [name: string, source: Source<number, StridedSplit, never>])[] = [
  ["a collection", CollectionSource.of(Array.from({ length: 40 }, (_, index) => index))],
  ["a sequence", NumberSequenceSource.of(0, 39)],
  ["a generator", DataGeneratorSource.of((index) => index, 40)],
  ["a rate-limited generator", DataGeneratorSource.of((index) => index, 40, { ratePerSecond: 1000 })],
].map(([name, source]) => [String(name), source as unknown as Source<number, StridedSplit, never>]);

describe("F09: splits that are paused", () => {
  test.each(sources)("F09: %s reads its other splits, and those that go on once they do", async (_name, source) => {
    const clock = new ManualClock();
    const [first, ...others] = assign(source, 4).flat();
    const ids = others.map(({ splitId }) => splitId);
    const all = Array.from({ length: 40 }, (_, index) => index);
    const paused = all.filter((value) => value < first!.end && (value - first!.next) % first!.step === 0);
    const reader = openAt(source, [first!, ...others], clock);
    reader.pauseOrResumeSplits!([first!.splitId, "unknown"], []);
    const output = new Output<number>();
    await readUntilQuiet(reader, output, clock);
    expect(output.values.toSorted((left, right) => left - right)).toEqual(all.filter((n) => !paused.includes(n)));
    expect([...output.finished].sort()).toEqual([...ids].sort());
    expect(reader.snapshotState(1).map(({ splitId, next }) => [splitId, next])).toEqual([
      [first!.splitId, first!.next],
    ]);
    const available = reader.isAvailable();
    reader.pauseOrResumeSplits!([], [first!.splitId]);
    await available;
    expect(await readUntilQuiet(reader, output, clock)).toBe("end-of-input");
    expect(output.values.toSorted((left, right) => left - right)).toEqual(all);
  });

  test.each(sources)("F09: %s whose splits are all paused has nothing, and does not end", async (_name, source) => {
    const clock = new ManualClock();
    const splits = assign(source, 3).flat();
    const reader = openAt(source, splits, clock);
    const ids = splits.map(({ splitId }) => splitId);
    reader.pauseOrResumeSplits!(ids, []);
    const output = new Output<number>();
    expect(await readUntilQuiet(reader, output, clock)).toBe("nothing-available");
    expect(output.values).toEqual([]);
    reader.pauseOrResumeSplits!([], ids);
    expect(await readUntilQuiet(reader, output, clock)).toBe("end-of-input");
    expect(output.values).toHaveLength(40);
  });
});

test("F07: a source says where it ends, before and after a restore", () => {
  const context = { platform, currentParallelism: 2, assignSplit: () => {}, signalNoMoreSplits: () => {} };
  const ends = [CollectionSource.of("abc"), NumberSequenceSource.of(5, 9), DataGeneratorSource.of((n) => n, 7)].map(
    (source) => {
      const enumerator = source.createEnumerator(context);
      const restored = source.restoreEnumerator(context, enumerator.snapshotState());
      expect(restored.endPosition()).toBe(enumerator.endPosition());
      return enumerator.endPosition();
    },
  );
  expect(ends).toEqual([3, 10, 7]);
});

function openAt(
  source: Source<number, StridedSplit, never>,
  splits: readonly StridedSplit[],
  clock: ManualClock,
): SourceReader<number, StridedSplit> {
  const reader = source.createReader({
    platform: platformWith(clock),
    subtaskIndex: 0,
    parallelism: 1,
    sendSplitRequest: () => {},
    sendSourceEventToCoordinator: () => {},
  });
  reader.start();
  reader.addSplits(splits);
  reader.notifyNoMoreSplits();
  return reader;
}

/** Polls until there is nothing more, also when time has passed. */
async function readUntilQuiet(
  reader: SourceReader<number, StridedSplit>,
  output: Output<number>,
  clock: ManualClock,
): Promise<string> {
  for (;;) {
    output.remaining = 3;
    const status = reader.pollNext(output);
    if (status === "end-of-input" || (status === "nothing-available" && !clock.advance())) return status;
  }
}

async function readTimed(
  source: DataGeneratorSource<number>,
  splits: readonly StridedSplit[],
  clock: ManualClock,
): Promise<Output<number>> {
  const output = new Output<number>();
  const reader = openAt(source as unknown as Source<number, StridedSplit, never>, splits, clock);
  expect(await readUntilQuiet(reader, output, clock)).toBe("end-of-input");
  return output;
}

test("bounds and rates that make no sense are refused", () => {
  const refused = expect.objectContaining({ code: "MR_SOURCE_OPTION_INVALID" });
  expect(() => NumberSequenceSource.of(5, 1)).toThrow(refused);
  expect(() => NumberSequenceSource.of(0.5, 1)).toThrow(refused);
  expect(() => DataGeneratorSource.of((index) => index, -1)).toThrow(refused);
  expect(() => DataGeneratorSource.of((index) => index, 1, { ratePerSecond: 0 })).toThrow(refused);
});

import type { ReaderOutput, SourceReader, SplitEnumeratorContext } from "millrace";
import { createSimulatedPlatform } from "millrace/testing";
import { expect, test } from "vitest";
import { PacedSource, type PacedSplit } from "./paced-source.ts";

const platform = createSimulatedPlatform({ seed: 1 });

interface Emitted {
  readonly index: number;
  readonly dueMs: number;
}

class Output implements ReaderOutput<Emitted> {
  remaining: number;
  readonly emitted: Emitted[] = [];

  constructor(remaining: number) {
    this.remaining = remaining;
  }

  collect(value: Emitted): void {
    this.remaining--;
    this.emitted.push(value);
  }

  fromSplit(): void {}
  splitStarted(): void {}
  splitFinished(): void {}
  poison(): void {}
}

/** A source of ten indices, one a millisecond, whose clock the test sets. */
class Fixture {
  nowMs = 1000;
  readonly source: PacedSource<Emitted> = new PacedSource<Emitted>({
    generate: (index, dueMs) => (index === 3 ? undefined : { index, dueMs }),
    count: 10,
    ratePerSecond: 1000,
    nowMs: () => this.nowMs,
  });

  reader(splits: readonly PacedSplit[]): SourceReader<Emitted, PacedSplit> {
    const reader = this.source.createReader({
      platform,
      subtaskIndex: 0,
      parallelism: 1,
      sendSplitRequest: () => {},
      sendSourceEventToCoordinator: () => {},
    });
    reader.addSplits(splits);
    reader.notifyNoMoreSplits();
    return reader;
  }

  splits(parallelism: number): PacedSplit[][] {
    const assigned: PacedSplit[][] = Array.from({ length: parallelism }, () => []);
    const context: SplitEnumeratorContext<PacedSplit> = {
      platform,
      currentParallelism: parallelism,
      assignSplit: (split, subtask) => void assigned[subtask]!.push(split),
      signalNoMoreSplits: () => {},
    };
    const enumerator = this.source.createEnumerator(context);
    for (let subtask = parallelism - 1; subtask >= 0; subtask--) enumerator.addReader(subtask);
    return assigned;
  }
}

function poll(reader: SourceReader<Emitted, PacedSplit>, remaining = 100): readonly Emitted[] {
  const output = new Output(remaining);
  reader.pollNext(output);
  return output.emitted;
}

test("records are emitted when they are due, and not before", () => {
  const fixture = new Fixture();
  const reader = fixture.reader(fixture.splits(1)[0]!);
  expect(poll(reader)).toEqual([{ index: 0, dueMs: 1000 }]);
  expect(poll(reader)).toEqual([]);
  fixture.nowMs = 1002.5;
  expect(poll(reader).map(({ index }) => index)).toEqual([1, 2]);
});

test("after a stall everything overdue is emitted with its own due time, as fast as the output takes it", () => {
  const fixture = new Fixture();
  const reader = fixture.reader(fixture.splits(1)[0]!);
  poll(reader);
  fixture.nowMs = 5000;
  expect(poll(reader, 2)).toEqual([
    { index: 1, dueMs: 1001 },
    { index: 2, dueMs: 1002 },
  ]);
  // Index 3 is left out.
  expect(poll(reader).map(({ dueMs }) => dueMs)).toEqual([1004, 1005, 1006, 1007, 1008, 1009]);
  expect(reader.pollNext(new Output(1))).toBe("end-of-input");
});

test("subtasks share the rate: each has every second index of two, on the same schedule", () => {
  const fixture = new Fixture();
  const [first, second] = fixture.splits(2).map((splits) => fixture.reader(splits));
  expect([poll(first!), poll(second!)]).toEqual([[{ index: 0, dueMs: 1000 }], [{ index: 1, dueMs: 1000 }]]);
  fixture.nowMs = 1002;
  expect([poll(first!), poll(second!)]).toEqual([[{ index: 2, dueMs: 1002 }], []]);
});

test("a reader that is restored goes on after the last record before the snapshot", () => {
  const fixture = new Fixture();
  const reader = fixture.reader(fixture.splits(1)[0]!);
  poll(reader);
  fixture.nowMs = 1001;
  poll(reader);
  const restored = fixture.reader(reader.snapshotState(1));
  expect(poll(restored).map(({ index }) => index)).toEqual([2]);
});

test("a reader is available when its next record is due", async () => {
  const fixture = new Fixture();
  const reader = fixture.reader(fixture.splits(1)[0]!);
  poll(reader);
  let isAvailable = false;
  await platform.run(async () => {
    const startMs = platform.clock.monoMs();
    await reader.isAvailable().then(() => {
      isAvailable = true;
    });
    expect(platform.clock.monoMs() - startMs).toBe(1);
  }, 1000);
  expect(isAvailable).toBe(true);
  fixture.nowMs = 1001;
  await reader.isAvailable();
  await reader.close();
});

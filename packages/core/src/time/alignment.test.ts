import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AlignedReader } from "./aligned-reader.ts";
import { AlignmentGroup } from "./alignment-group.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "./timestamps.ts";

const DRIFT_MS = 100;
const alignment = { group: "g", maxDriftMs: DRIFT_MS, updateIntervalMs: 1000 };

/** Readers of one source, their group, and messages that are under way in both directions. */
class Model {
  readonly group: AlignmentGroup;
  readonly readers: readonly AlignedReader[];
  readonly watermarks: number[];
  readonly reports: { readonly reader: number; readonly watermarkMs: number }[] = [];
  readonly answers: number[][];
  nowMs = 0;

  constructor(count: number) {
    this.group = new AlignmentGroup([{ uid: "s", parallelism: count, maxDriftMs: DRIFT_MS }]);
    this.readers = Array.from({ length: count }, () => new AlignedReader(alignment));
    this.watermarks = Array.from({ length: count }, () => MIN_WATERMARK);
    this.answers = Array.from({ length: count }, () => []);
    for (let reader = 0; reader < count; reader++) this.progress(reader);
  }

  /** Whether the reader may be read. */
  isRead(reader: number): boolean {
    return this.watermarks[reader] !== MAX_WATERMARK && !this.readers[reader]!.isPaused;
  }

  advance(reader: number, byMs: number): void {
    const before = this.watermarks[reader]!;
    this.watermarks[reader] = byMs === MAX_WATERMARK ? byMs : before === MIN_WATERMARK ? byMs : before + byMs;
    this.progress(reader);
  }

  progress(reader: number, isIdle = false): void {
    const watermarkMs = this.readers[reader]!.onProgress(this.watermarks[reader]!, isIdle, this.nowMs);
    if (watermarkMs !== undefined) this.reports.push({ reader, watermarkMs });
  }

  deliverReport(): void {
    const report = this.reports.shift();
    if (report === undefined) return;
    for (const { allowedMs } of this.group.onReport("s", report.reader, report.watermarkMs)) {
      for (const answers of this.answers) answers.push(allowedMs);
    }
  }

  deliverAnswer(reader: number): void {
    const allowedMs = this.answers[reader]!.shift();
    if (allowedMs !== undefined) this.readers[reader]!.onAllowed(allowedMs);
  }

  deliverAll(): void {
    while (this.reports.length > 0) this.deliverReport();
    this.answers.forEach((answers, reader) => {
      while (answers.length > 0) this.deliverAnswer(reader);
    });
  }
}

describe("F09: watermark alignment", () => {
  const step = fc.record({
    kind: fc.constantFrom("read", "read", "report", "answer"),
    reader: fc.nat(2),
    byMs: fc.nat(60),
  });

  test("G1, G3: nobody is read who is further than the drift ahead of the slowest, however late messages come", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const model = new Model(3);
        for (const { kind, reader, byMs } of steps) {
          if (kind === "report") model.deliverReport();
          else if (kind === "answer") model.deliverAnswer(reader);
          else if (model.isRead(reader)) {
            const watermark = model.watermarks[reader]!;
            const lowest = Math.min(...model.watermarks);
            if (watermark !== MIN_WATERMARK) {
              // A reader that has its first watermark waits until all have theirs.
              expect(lowest).not.toBe(MIN_WATERMARK);
              expect(watermark - lowest).toBeLessThanOrEqual(DRIFT_MS);
            }
            model.advance(reader, byMs);
          }
        }
      }),
    );
  });

  test("G2: whatever the others do, somebody may be read once all messages have arrived", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const model = new Model(3);
        for (const { kind, reader, byMs } of steps) {
          if (kind === "report") model.deliverReport();
          else if (kind === "answer") model.deliverAnswer(reader);
          else if (model.isRead(reader)) model.advance(reader, byMs === 60 ? MAX_WATERMARK : byMs);
        }
        // The interval passes, so the last small steps are told as well.
        model.nowMs += 1000;
        for (const reader of [0, 1, 2]) model.progress(reader);
        model.deliverAll();
        const isDone = model.watermarks.every((watermark) => watermark === MAX_WATERMARK);
        expect(isDone || [0, 1, 2].some((reader) => model.isRead(reader))).toBe(true);
      }),
    );
  });

  test("G3: a reader that is idle holds nobody up, and does so again when it is back", () => {
    const model = new Model(2);
    model.advance(0, 50);
    model.advance(1, 50);
    model.deliverAll();
    model.advance(0, 101);
    model.deliverAll();
    expect(model.isRead(0)).toBe(false);
    model.progress(1, true);
    model.deliverAll();
    expect(model.isRead(0)).toBe(true);
    model.advance(0, 50);
    model.progress(1, false);
    model.deliverAll();
    expect(model.isRead(0)).toBe(false);
  });

  test("G4: a reader that never has a watermark is waited for until the group is opened", () => {
    const model = new Model(2);
    model.advance(0, 50);
    model.deliverAll();
    expect(model.isRead(0)).toBe(false);
    expect(model.group.open()).toEqual([{ uid: "s", allowedMs: 150 }]);
  });

  test("each source has its own drift; readers are told only what has changed", () => {
    const group = new AlignmentGroup([
      { uid: "a", parallelism: 1, maxDriftMs: 10 },
      { uid: "b", parallelism: 1, maxDriftMs: 20 },
    ]);
    expect(group.onReport("a", 0, 100)).toEqual([]);
    expect(group.onReport("b", 0, 500)).toEqual([
      { uid: "a", allowedMs: 110 },
      { uid: "b", allowedMs: 120 },
    ]);
    expect(group.onReport("b", 0, 600)).toEqual([]);
    group.onReport("a", 0, MAX_WATERMARK);
    expect(group.onReport("b", 0, MAX_WATERMARK).map((each) => each.allowedMs)).toEqual([MAX_WATERMARK, MAX_WATERMARK]);
  });
});

test("FLINK-31632: what is allowed saturates at the end of time, also when all readers are idle, and is exact before", () => {
  const extremes = fc.oneof(
    fc.constantFrom(MAX_WATERMARK, MAX_WATERMARK - 1, MIN_WATERMARK + 1, 0),
    fc.maxSafeInteger().filter((watermarkMs) => watermarkMs !== MIN_WATERMARK),
  );
  const drifts = fc.oneof(fc.constantFrom(0, 1, MAX_WATERMARK), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(fc.tuple(extremes, extremes), { minLength: 1 }), drifts, (rounds, maxDriftMs) => {
      const group = new AlignmentGroup([{ uid: "s", parallelism: 2, maxDriftMs }]);
      group.open();
      for (const round of rounds) {
        round.forEach((watermarkMs, reader) => void group.onReport("s", reader, watermarkMs));
        const exact = BigInt(Math.min(...round)) + BigInt(maxDriftMs);
        const allowedMs = exact < BigInt(MAX_WATERMARK) ? Number(exact) : MAX_WATERMARK;
        expect(group.allowances).toEqual([{ uid: "s", allowedMs }]);
      }
    }),
  );
});

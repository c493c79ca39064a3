import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP } from "./timestamps.ts";
import { toWatermarkStrategy, type WatermarkOptions } from "./watermark-options.ts";
import { type WatermarkGenerator, type WatermarkOutput, WatermarkStrategy } from "./watermark-strategy.ts";

interface Flight {
  readonly date: number;
  readonly origin: string;
}

class RecordingOutput implements WatermarkOutput {
  readonly emitted: number[] = [];

  emitWatermark(timestampMs: number): void {
    this.emitted.push(timestampMs);
  }

  markIdle(): void {}

  markActive(): void {}
}

/** Watermarks after each timestamp. */
function watermarksOf(generator: WatermarkGenerator<Flight>, timestamps: readonly number[]): (number | undefined)[] {
  return timestamps.map((timestampMs) => {
    const output = new RecordingOutput();
    generator.onEvent({ date: timestampMs, origin: "ATL" }, timestampMs, output);
    generator.onPeriodicEmit(output);
    return output.emitted.at(-1);
  });
}

describe("generators", () => {
  test("S18: bounded out-of-orderness trails the highest timestamp by the bound and one millisecond", () => {
    const strategy = WatermarkStrategy.forBoundedOutOfOrderness("1 s");
    expect(watermarksOf(strategy.createGenerator(), [5000, 4000, 4999, 7000])).toEqual([3999, 3999, 3999, 5999]);
  });

  test("S18: no record within the bound is ever late", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.integer({ min: -5000, max: 5000 })), (bound, timestamps) => {
        const watermarks = watermarksOf(
          WatermarkStrategy.forBoundedOutOfOrderness(bound).createGenerator(),
          timestamps,
        );
        for (const [index, timestampMs] of timestamps.entries()) {
          if (index === 0) continue;
          const isWithinBound = timestampMs >= Math.max(...timestamps.slice(0, index)) - bound;
          expect(timestampMs > watermarks[index - 1]!).toBe(isWithinBound);
        }
      }),
    );
  });

  test("S18: monotonous timestamps trail by one millisecond, so that equal timestamps are not late", () => {
    const strategy = WatermarkStrategy.forMonotonousTimestamps();
    expect(strategy).toMatchObject({ kind: "bounded", outOfOrdernessMs: 0 });
    expect(watermarksOf(strategy.createGenerator(), [5, 5, 6])).toEqual([4, 4, 5]);
  });

  test("nothing is emitted before the first record", () => {
    const output = new RecordingOutput();
    WatermarkStrategy.forBoundedOutOfOrderness("1 s").createGenerator().onPeriodicEmit(output);
    expect(output.emitted).toEqual([]);
  });

  test("the longest bound keeps watermarks of the earliest date above the minimum", () => {
    const strategy = WatermarkStrategy.forBoundedOutOfOrderness("3650000 d");
    const [watermark] = watermarksOf(strategy.createGenerator(), [-8_640_000_000_000_000]);
    expect(watermark).toBeGreaterThan(MIN_WATERMARK);
    expect(Number.isSafeInteger(watermark)).toBe(true);
  });

  test("S18: without watermarks event time stands still", () => {
    const strategy = WatermarkStrategy.noWatermarks();
    expect(strategy.kind).toBe("none");
    expect(watermarksOf(strategy.createGenerator(), [1, 2, MAX_WATERMARK])).toEqual([undefined, undefined, undefined]);
  });

  test("every split has a generator of its own", () => {
    const strategy = WatermarkStrategy.forBoundedOutOfOrderness(0);
    const [left, right] = [strategy.createGenerator(), strategy.createGenerator()];
    expect(watermarksOf(left, [100])).toEqual([99]);
    expect(watermarksOf(right, [5])).toEqual([4]);
  });

  test("S18: a supplied generator is used as it is, events and all", () => {
    const punctuated = (): WatermarkGenerator<Flight> => ({
      onEvent: (flight, timestampMs, output) => {
        if (flight.origin === "end of day") output.emitWatermark(timestampMs);
      },
      onPeriodicEmit: () => {},
    });
    const strategy = WatermarkStrategy.forGenerator(punctuated);
    const output = new RecordingOutput();
    const generator = strategy.createGenerator();
    generator.onEvent({ date: 1, origin: "ATL" }, 1, output);
    generator.onEvent({ date: 2, origin: "end of day" }, 2, output);
    expect(strategy.kind).toBe("custom");
    expect(output.emitted).toEqual([2]);
  });
});

describe("a strategy", () => {
  test("is not changed by what is derived from it", () => {
    const plain = WatermarkStrategy.forBoundedOutOfOrderness<Flight>("1 min");
    const full = plain
      .withIdleness("10 s")
      .withTimestampAssigner((flight, recordTimestampMs) =>
        recordTimestampMs === NO_TIMESTAMP ? flight.date : recordTimestampMs,
      );
    expect(plain).toMatchObject({ timestampAssigner: undefined, idlenessMs: undefined });
    expect(full).toMatchObject({ kind: "bounded", outOfOrdernessMs: 60_000, idlenessMs: 10_000 });
    expect(full.timestampAssigner!({ date: 7, origin: "ATL" }, NO_TIMESTAMP)).toBe(7);
    expect(full.timestampAssigner!({ date: 7, origin: "ATL" }, 3)).toBe(3);
  });

  test("keeps its assigner when idleness is set after it, and its generator with both", () => {
    const strategy = WatermarkStrategy.forMonotonousTimestamps<Flight>()
      .withTimestampAssigner((flight) => flight.date)
      .withIdleness(5);
    expect(strategy.idlenessMs).toBe(5);
    expect(strategy.timestampAssigner!({ date: 7, origin: "ATL" }, 0)).toBe(7);
    expect(watermarksOf(strategy.createGenerator(), [10])).toEqual([9]);
  });

  test.each([
    ["forBoundedOutOfOrderness", () => WatermarkStrategy.forBoundedOutOfOrderness(-1)],
    ["forBoundedOutOfOrderness", () => WatermarkStrategy.forBoundedOutOfOrderness("3650001 d")],
    ["withIdleness", () => WatermarkStrategy.noWatermarks().withIdleness(0)],
    ["withIdleness", () => WatermarkStrategy.noWatermarks().withIdleness("-1 s")],
  ])("refuses a time out of range in %s", (method, build) => {
    expect(build).toThrow(
      expect.objectContaining({ code: "MR_WATERMARK_STRATEGY_INVALID", message: expect.stringContaining(method) }),
    );
  });
});

describe("options", () => {
  test("are the same strategy as a literal", () => {
    const timestamp = (flight: Flight): number => flight.date;
    expect(toWatermarkStrategy({ boundedOutOfOrderness: "1 min", timestamp, idleness: "10 s" })).toMatchObject({
      kind: "bounded",
      outOfOrdernessMs: 60_000,
      idlenessMs: 10_000,
      timestampAssigner: timestamp,
    });
    expect(toWatermarkStrategy({ boundedOutOfOrderness: 0 })).toMatchObject({
      outOfOrdernessMs: 0,
      idlenessMs: undefined,
      timestampAssigner: undefined,
    });
  });

  test("F09: name the group that a source is aligned with", () => {
    const alignment = { group: "orders", maxDrift: "1 min", updateInterval: 200 } as const;
    expect(toWatermarkStrategy({ boundedOutOfOrderness: 0, alignment }).alignment).toEqual({
      group: "orders",
      maxDriftMs: 60_000,
      updateIntervalMs: 200,
    });
    const byDefault = toWatermarkStrategy({ boundedOutOfOrderness: 0, alignment: { group: "a", maxDrift: 5 } });
    expect(byDefault.alignment?.updateIntervalMs).toBe(1000);
    expect(toWatermarkStrategy({ boundedOutOfOrderness: 0 }).alignment).toBeUndefined();
  });

  test("leave a strategy as it is", () => {
    const strategy = WatermarkStrategy.noWatermarks<Flight>();
    expect(toWatermarkStrategy(strategy)).toBe(strategy);
  });

  test("refuse a time out of range", () => {
    expect(() => toWatermarkStrategy({ boundedOutOfOrderness: "-1 s" })).toThrow(/MR_WATERMARK_STRATEGY_INVALID/);
    expect(() => toWatermarkStrategy({ boundedOutOfOrderness: 0, idleness: 0 })).toThrow(
      /MR_WATERMARK_STRATEGY_INVALID/,
    );
  });
});

// Checked by the compiler: these are the ways in which a job may be written.
describe("the record type", () => {
  interface Source<T> {
    readonly read: () => T;
  }
  const flights: Source<Flight> = { read: () => ({ date: 1, origin: "ATL" }) };
  function fromSource<T>(
    _source: Source<T>,
    strategy: WatermarkStrategy<NoInfer<T>> | WatermarkOptions<NoInfer<T>>,
  ): { readonly record: T; readonly strategy: WatermarkStrategy<T> } {
    return { record: _source.read(), strategy: toWatermarkStrategy<T>(strategy) };
  }

  test("is inferred in an assigner that is the last call of the chain", () => {
    const stream = fromSource(
      flights,
      WatermarkStrategy.forBoundedOutOfOrderness("1 min").withTimestampAssigner((flight) => {
        expectTypeOf(flight).toEqualTypeOf<Flight>();
        return flight.date;
      }),
    );
    expectTypeOf(stream.record).toEqualTypeOf<Flight>();
    expect(stream.strategy.timestampAssigner!(stream.record, 0)).toBe(1);
    fromSource(
      flights,
      WatermarkStrategy.forBoundedOutOfOrderness("1 min")
        .withIdleness("10 s")
        .withTimestampAssigner((flight) => flight.date),
    );
    const monotonous = WatermarkStrategy.forMonotonousTimestamps();
    fromSource(
      flights,
      // @ts-expect-error a flight has no such field
      monotonous.withTimestampAssigner((flight) => flight.time),
    );
  });

  test("is inferred in options", () => {
    const stream = fromSource(flights, {
      boundedOutOfOrderness: "1 min",
      timestamp: (flight) => flight.date,
      idleness: 5,
    });
    expectTypeOf(stream.record).toEqualTypeOf<Flight>();
    expect(stream.strategy.timestampAssigner!(stream.record, 0)).toBe(1);
    // @ts-expect-error a flight has no such field
    fromSource(flights, { boundedOutOfOrderness: 0, timestamp: (flight) => flight.time });
  });

  test("can be given to the factory or to the assigner, which then may stand anywhere", () => {
    const given = WatermarkStrategy.forBoundedOutOfOrderness<Flight>("1 min").withTimestampAssigner(
      (flight) => flight.date,
    );
    expectTypeOf(given).toEqualTypeOf<WatermarkStrategy<Flight>>();
    fromSource(flights, given.withIdleness("10 s"));
    const annotated = WatermarkStrategy.forMonotonousTimestamps().withTimestampAssigner(
      (flight: Flight) => flight.date,
    );
    fromSource(flights, annotated.withIdleness("10 s"));
    const monotonous = WatermarkStrategy.forMonotonousTimestamps();
    // @ts-expect-error nothing says what the event is when a call follows the assigner
    fromSource(flights, monotonous.withTimestampAssigner((flight) => flight.date).withIdleness(5));
  });

  test("may be wider than the stream's, never narrower", () => {
    const dated = WatermarkStrategy.forMonotonousTimestamps<{ readonly date: number }>();
    fromSource(
      flights,
      dated.withTimestampAssigner((flight) => flight.date),
    );
    fromSource(flights, WatermarkStrategy.noWatermarks());
    const narrow = WatermarkStrategy.forMonotonousTimestamps<Flight & { readonly delay: number }>();
    // @ts-expect-error a flight has no delay
    fromSource(flights, narrow);
  });
});

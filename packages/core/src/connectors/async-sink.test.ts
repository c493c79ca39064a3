import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { t } from "../types/declared-types.ts";
import { AsyncSinkBase } from "./async-sink.ts";
import type { AsyncSinkClient, AsyncSinkLimits } from "./async-sink-writer.ts";
import { DataGeneratorSource } from "./generator-source.ts";
import { AIMDScalingStrategy, CongestionControlRateLimitingStrategy } from "./rate-limiting.ts";
import type { WriterInitContext } from "./sink.ts";

const Entry = t.object({ key: t.int32, value: t.int32 });
interface Entry {
  readonly key: number;
  readonly value: number;
}

/** A table that is written by key, takes its time, and refuses what it is told to. */
class Table {
  readonly rows = new Map<number, number>();
  readonly batches: (readonly Entry[])[] = [];
  onItsWay = 0;
  onItsWayMax = 0;
  refuses: (entry: Entry) => boolean = () => false;
  fails: () => boolean = () => false;

  sink(platform: SimulatedPlatform, limits: Partial<AsyncSinkLimits>): AsyncSinkBase<Entry, Entry> {
    const submit = (entries: readonly Entry[]): Promise<readonly Entry[]> => this.#submit(platform, entries);
    return new (class extends AsyncSinkBase<Entry, Entry> {
      createClient(): AsyncSinkClient<Entry> {
        return { submit };
      }
      toEntry(value: Entry): Entry {
        return value;
      }
      sizeInBytes(entry: Entry): number {
        return entry.key === 99 ? 5000 : 10;
      }
    })("table", Entry as never, limits);
  }

  async #submit(platform: SimulatedPlatform, entries: readonly Entry[]): Promise<readonly Entry[]> {
    this.batches.push(entries);
    this.onItsWayMax = Math.max(this.onItsWayMax, ++this.onItsWay);
    await new Promise<void>((resolve) => platform.clock.after(20, resolve));
    this.onItsWay--;
    if (this.fails()) throw new Error("the table is gone");
    const refused = entries.filter((entry) => this.refuses(entry));
    for (const entry of entries) if (!refused.includes(entry)) this.rows.set(entry.key, entry.value);
    return refused;
  }
}

const record = { timestamp: 0, currentWatermark: 0 };

function contextOf(platform: SimulatedPlatform): WriterInitContext {
  return { platform, subtaskIndex: 0, parallelism: 1, jobId: "job", uid: "table", restoredCheckpointId: undefined };
}

const wait = (platform: SimulatedPlatform, ms: number): Promise<void> =>
  new Promise((resolve) => platform.clock.after(ms, resolve));

describe("F07: an asynchronous sink", () => {
  test("F07: sends a batch when it is full by count, by bytes, or old enough", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(async () => {
      const table = new Table();
      const sink = table.sink(platform, { maxBatchSize: 4, maxBatchSizeInBytes: 5015, maxTimeInBufferMs: 1000 });
      const writer = sink.createWriter(contextOf(platform), []);
      for (let key = 0; key < 5; key++) writer.write({ key, value: 0 }, record);
      expect(table.batches.map((batch) => batch.length)).toEqual([4]);
      await wait(platform, 900);
      expect(table.batches).toHaveLength(1);
      await wait(platform, 200);
      expect(table.batches.map((batch) => batch.length)).toEqual([4, 1]);
      for (const key of [5, 99, 6]) writer.write({ key, value: 0 }, record);
      expect(table.batches.map((batch) => batch.length)).toEqual([4, 1, 2]);
      await writer.close();
    });
  });

  test("F07: asks for a pause while its buffer is full, and has no more requests on their way than allowed", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    await platform.run(async () => {
      const table = new Table();
      const sink = table.sink(platform, { maxBatchSize: 2, maxInFlightRequests: 3, maxBufferedRequests: 4 });
      const writer = sink.createWriter(contextOf(platform), []);
      for (let key = 0; key < 30; key++) {
        if (!writer.isAvailable()) await writer.whenAvailable();
        writer.write({ key, value: key }, record);
      }
      writer.prepareCommit(true);
      await writer.flush();
      expect(table.rows.size).toBe(30);
      expect(table.onItsWayMax).toBeGreaterThan(1);
      expect(table.onItsWayMax).toBeLessThanOrEqual(3);
      await writer.close();
    });
  });

  test("F07: entries that are refused are sent again, in order when one request is on its way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 60 }), fc.nat(1000), async (keys, seed) => {
        const platform = createSimulatedPlatform({ seed });
        await platform.run(async () => {
          const table = new Table();
          // What is refused ends the batch, as with services that stop at their limit.
          table.refuses = () => platform.random.u32() % 3 === 0;
          const sink = table.sink(platform, { maxBatchSize: 1, maxInFlightRequests: 1, maxTimeInBufferMs: 10 });
          const writer = sink.createWriter(contextOf(platform), []);
          for (const [value, key] of keys.entries()) writer.write({ key, value }, record);
          writer.prepareCommit(true);
          await writer.flush();
          expect([...table.rows].toSorted()).toEqual([...new Map(keys.map((key, value) => [key, value]))].toSorted());
          await writer.close();
        });
      }),
      { numRuns: 30 },
    );
  });

  test("F07: what nobody has confirmed is in the state, and a restored writer sends it", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    await platform.run(async () => {
      const table = new Table();
      const sink = table.sink(platform, { maxBatchSize: 2 });
      const writer = sink.createWriter(contextOf(platform), []);
      for (let key = 0; key < 5; key++) writer.write({ key, value: key }, record);
      expect(writer.snapshotState().map(({ key }) => key)).toEqual([0, 1, 2, 3, 4]);
      await wait(platform, 100);
      const left = writer.snapshotState();
      expect(left.map(({ key }) => key)).toEqual([4]);
      await writer.close();
      const restored = sink.createWriter(contextOf(platform), left);
      restored.prepareCommit(true);
      expect(restored.snapshotState()).toEqual([]);
      await restored.flush();
      expect(table.rows.size).toBe(5);
      await restored.close();
    });
  });

  test("F07: a request that fails fails the job", async () => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const table = new Table();
    table.fails = () => true;
    const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries([]));
    env.fromData<Entry>([{ key: 1, value: 1 }]).sinkTo(table.sink(platform, {}));
    await expect(platform.run(() => env.execute(), 60_000)).rejects.toThrow("the table is gone");
  });

  test("F07: limits that cannot work, and entries that are too large, are refused", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const table = new Table();
    expect(() => table.sink(platform, { maxBatchSize: 0 })).toThrow(/MR_SINK_OPTION_INVALID.*maxBatchSize 0/);
    expect(() => table.sink(platform, { maxBufferedRequests: 10 })).toThrow(
      /MR_SINK_OPTION_INVALID.*at least maxBatchSize/,
    );
    await platform.run(async () => {
      const writer = table.sink(platform, { maxRecordSizeInBytes: 4000 }).createWriter(contextOf(platform), []);
      expect(() => writer.write({ key: 99, value: 1 }, record)).toThrow(/MR_SINK_ENTRY_TOO_LARGE.*5000 bytes/);
      await writer.close();
    });
  });

  test("F07: the rate grows by addition and shrinks by multiplication, within its limits", () => {
    const scaling = new AIMDScalingStrategy({ rateThreshold: 100, increaseRate: 10, decreaseFactor: 0.5 });
    expect([scaling.scaleUp(50), scaling.scaleUp(95), scaling.scaleDown(51), scaling.scaleDown(1)]).toEqual([
      60, 100, 26, 1,
    ]);
    const strategy = new CongestionControlRateLimitingStrategy({
      maxInFlightRequests: 2,
      initialMaxInFlightMessages: 40,
      scalingStrategy: scaling,
    });
    expect([strategy.shouldBlock(40), strategy.shouldBlock(41)]).toEqual([false, true]);
    strategy.registerInFlightRequest(40);
    expect(strategy.shouldBlock(1)).toBe(true);
    strategy.registerCompletedRequest(40, 3);
    expect(strategy.getMaxBatchSize()).toBe(20);
    strategy.registerInFlightRequest(1);
    strategy.registerInFlightRequest(1);
    expect(strategy.shouldBlock(1)).toBe(true);
    strategy.registerCompletedRequest(1, 0);
    expect([strategy.getMaxBatchSize(), strategy.shouldBlock(1)]).toEqual([30, false]);
  });
});

describe("S60: an idempotent sink that writes at least once", () => {
  test.each([1, 2])(
    "S60: a table written by key ends as if every record had counted once, though some are written twice, at parallelism %i",
    async (p) => {
      const platform = createSimulatedPlatform({ seed: 6 });
      const settings = {
        "execution.checkpointing.interval": "100 ms",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "3",
        "parallelism.default": String(p),
      };
      const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
      const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
      const table = new Table();
      let requests = 0;
      table.fails = () => ++requests === 30;
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 600, { ratePerSecond: 400 }),
          { boundedOutOfOrderness: 0, timestamp: (n) => n },
          "numbers",
        )
        .map((n) => ({ key: n % 7, value: 1 }))
        .keyBy(({ key }) => key)
        .sum("value")
        .uid("sums")
        .keyBy(({ key }) => key)
        .sinkTo(table.sink(platform, { maxBatchSize: 10, maxInFlightRequests: 1, maxTimeInBufferMs: 50 }))
        .uid("table");
      const result = await platform.run(() => env.execute(), 600_000);
      expect(result.restartCount).toBe(1);
      const expected = [0, 1, 2, 3, 4, 5, 6].map((key) => [key, Math.ceil((600 - key) / 7)]);
      expect([...table.rows].toSorted(([left], [right]) => left - right)).toEqual(expected);
      // The price: readers may see a value again that a later one had replaced already.
      const written = table.batches.flat().map(({ key, value }) => `${key}: ${value}`);
      expect(new Set(written).size).toBeLessThan(written.length);
    },
  );
});

/**
 * A whole job with exactly-once files on a simulated machine: power is cut at every durable effect in turn, and at many
 * seeded moments one after the other. What is committed in the end is what an undisturbed run commits, byte for byte.
 */
import { FileSink, jsonLines } from "@millrace/connector-files";
import type { Collector, KeyedProcessContext, KeyedProcessFunction, RuntimeContext, ValueState } from "millrace";
import {
  Configuration,
  DataGeneratorSource,
  StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  t,
  valueState,
} from "millrace";
import { createSimulatedPlatform, type DiskEffect, type SimulatedPlatform } from "millrace/internal";
import { expect, test } from "vitest";

const COUNT = 600;

interface Order {
  readonly customer: string;
  readonly at: number;
  readonly amount: number;
}

const order = (index: number): Order => ({ customer: `c${index % 5}`, at: index * 100, amount: (index * 31) % 97 });

const Total = t.object({ customer: t.string, orders: t.int32, total: t.int64 });
const Window = t.object({ customer: t.string, from: t.timestamp, total: t.int64 });

class RunningTotal implements KeyedProcessFunction<string, Order, { customer: string; orders: number; total: number }> {
  private state!: ValueState<{ orders: number; total: number }>;

  open(context: RuntimeContext): void {
    this.state = context.getState(valueState<{ orders: number; total: number }>("total"));
  }

  processElement(
    value: Order,
    context: KeyedProcessContext<string>,
    out: Collector<{ customer: string; orders: number; total: number }>,
  ): void {
    const before = this.state.value() ?? { orders: 0, total: 0 };
    const after = { orders: before.orders + 1, total: before.total + value.amount };
    this.state.update(after);
    out.collect({ customer: context.currentKey, ...after });
  }
}

function buildJob(env: StreamExecutionEnvironment): void {
  const orders = env.fromSource(
    DataGeneratorSource.of(order, COUNT, { ratePerSecond: 4000 }),
    { boundedOutOfOrderness: 200, timestamp: (value) => value.at },
    "orders",
  );
  const byCustomer = orders.keyBy((value) => value.customer);
  byCustomer
    .process(new RunningTotal())
    .uid("totals")
    .sinkTo(FileSink.to("/out/totals", jsonLines(Total), { rollingPolicy: { maxPartBytes: 4000 } }))
    .uid("totals-files");
  byCustomer
    .window(TumblingEventTimeWindows.of("5 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (value, sum) => sum + value.amount, getResult: (sum) => sum },
      (customer, window, total) => ({ customer, from: window.start, total }),
    )
    .uid("windows")
    .sinkTo(FileSink.to("/out/windows", jsonLines(Window)))
    .uid("windows-files");
}

/** The newest completed checkpoint of any earlier run on this disk. */
async function newestCheckpoint(platform: SimulatedPlatform): Promise<string | undefined> {
  const { fs } = platform;
  let newest: { id: number; path: string } | undefined;
  if ((await fs.stat("/checkpoints")) === undefined) return undefined;
  for (const job of await fs.list("/checkpoints")) {
    for (const name of await fs.list(`/checkpoints/${job}`)) {
      const path = `/checkpoints/${job}/${name}`;
      const id = Number(/^chk-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(id) || (await fs.stat(`${path}/_metadata`)) === undefined) continue;
      if (newest === undefined || id > newest.id) newest = { id, path };
    }
  }
  return newest?.path;
}

/** Runs the job from where the disk says it was; true when it finished, false when the machine died. */
async function runOnce(platform: SimulatedPlatform, parallelism: number): Promise<boolean> {
  let isDone = false;
  let failure: unknown;
  const script = async (): Promise<void> => {
    const path = await newestCheckpoint(platform);
    const configuration = Configuration.fromEntries([
      { key: "parallelism.default", value: String(parallelism) },
      { key: "execution.checkpointing.interval", value: "15 ms" },
      { key: "execution.checkpointing.dir", value: "/checkpoints" },
      { key: "execution.checkpointing.num-retained", value: "2" },
      { key: "restart-strategy.type", value: "none" },
      { key: "execution.checkpointing.data-inline-threshold", value: "300 b" },
      ...(path === undefined ? [] : [{ key: "execution.state-recovery.path", value: path }]),
    ]);
    const env = StreamExecutionEnvironment.on(platform, configuration);
    buildJob(env);
    await env.execute("orders");
    isDone = true;
  };
  script().catch((error: unknown) => {
    failure = error;
  });
  await platform.scheduler.runUntil(() => isDone || failure !== undefined || platform.isDead, 600_000);
  if (failure !== undefined) throw failure;
  return isDone;
}

/** The visible files, by path. */
async function committed(platform: SimulatedPlatform): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const directory of ["/out/totals", "/out/windows"]) {
    for (const name of await platform.fs.list(directory)) {
      if (name.startsWith(".")) continue;
      const file = await platform.fs.open(`${directory}/${name}`, "read");
      const bytes = new Uint8Array(await file.sizeBytes());
      await file.read(bytes, 0);
      await file.close();
      files[`${directory}/${name}`] = new TextDecoder().decode(bytes);
    }
  }
  return files;
}

async function undisturbed(parallelism: number): Promise<{ files: Record<string, string>; effects: number }> {
  const platform = createSimulatedPlatform({ seed: 99 });
  expect(await runOnce(platform, parallelism)).toBe(true);
  const effects = platform.storage.effectCount;
  return { files: await platform.run(() => committed(platform)), effects };
}

const rowsOf = (files: Record<string, string>): string[] =>
  Object.values(files)
    .flatMap((text) => text.split("\n"))
    .sort();

/** Between subtasks the order of arrival is free, and running totals show it; their counts and all windows do not. */
const unordered = (rows: readonly string[]): string[] =>
  rows.map((row) => row.replace(/("orders":\d+),"total":\d+/, "$1")).sort();

test("an undisturbed run commits every order and every window once", async () => {
  const { files } = await undisturbed(1);
  expect(Object.keys(files).filter((path) => path.startsWith("/out/totals")).length).toBeGreaterThan(3);
  expect(rowsOf(files).filter((row) => row.includes("orders")).length).toBe(COUNT);
});

test("a power cut before or after any durable effect costs nothing and doubles nothing", async () => {
  const expected = await undisturbed(1);
  // Every effect of the first 150, and every 7th of the rest: the run repeats itself from checkpoint to checkpoint.
  for (let index = 0; index < expected.effects; index += index < 150 ? 1 : 7) {
    const platform = createSimulatedPlatform({ seed: 99 });
    const phase: DiskEffect["phase"] = index % 2 === 0 ? "before" : "after";
    platform.storage.onEffect = (effect) =>
      effect.index === index && effect.phase === phase ? { kind: "powerOff" } : undefined;
    let current = platform;
    if (!(await runOnce(platform, 1))) {
      current = platform.restart();
      current.storage.onEffect = undefined;
      expect(await runOnce(current, 1), `effect ${index}`).toBe(true);
    }
    expect(await current.run(() => committed(current)), `power cut ${phase} effect ${index}`).toEqual(expected.files);
  }
}, 300_000);

test("a full disk ends the job by name; with room again it goes on and leaves the same files", async () => {
  const expected = await undisturbed(1);
  let failures = 0;
  for (let capacityBytes = 4000; capacityBytes < 60_000; capacityBytes += 7000) {
    const platform = createSimulatedPlatform({ seed: 99, disk: { capacityBytes } });
    const outcome = await runOnce(platform, 1).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (outcome !== undefined) {
      failures++;
      expect(outcome).toMatch(/MR_DISK_FULL/);
      // What is visible is what the undisturbed run commits under the same name: nothing is half-written.
      const partial = await platform.run(() => committed(platform));
      for (const [path, text] of Object.entries(partial)) expect(text).toBe(expected.files[path]);
      platform.storage.disk.capacityBytes = Number.POSITIVE_INFINITY;
      expect(await runOnce(platform, 1)).toBe(true);
    }
    expect(await platform.run(() => committed(platform)), `${capacityBytes} bytes`).toEqual(expected.files);
  }
  expect(failures).toBeGreaterThan(3);
}, 120_000);

test.each([1, 3])(
  "many kills and power cuts in one run leave the same rows at parallelism %i",
  async (parallelism) => {
    const expected = await undisturbed(parallelism);
    let crashCount = 0;
    for (let seed = 1; seed <= 15; seed++) {
      let platform = createSimulatedPlatform({ seed });
      const random = platform.random.fork("faults");
      for (let crashes = 0; ; crashes++) {
        const crashAt = platform.storage.effectCount + 20 + (random.u32() % 120);
        const kind = random.u32() % 2 === 0 ? "kill" : "powerOff";
        platform.storage.onEffect = (effect) => (crashes < 8 && effect.index >= crashAt ? { kind } : undefined);
        if (await runOnce(platform, parallelism)) break;
        platform = platform.restart();
        crashCount++;
      }
      platform.storage.onEffect = undefined;
      const files = await platform.run(() => committed(platform));
      if (parallelism === 1) expect(files, `seed ${seed}`).toEqual(expected.files);
      else expect(unordered(rowsOf(files)), `seed ${seed}`).toEqual(unordered(rowsOf(expected.files)));
    }
    expect(crashCount).toBeGreaterThan(50);
  },
  300_000,
);

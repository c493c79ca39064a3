import { describe, expect, test } from "vitest";
import { createSimulatedPlatform, type SimulatedPlatform } from "./simulated-platform.ts";

const sleep = (platform: SimulatedPlatform, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    platform.clock.after(delayMs, resolve);
  });

/** Some of everything, with much at the same time. */
async function busyProgram(platform: SimulatedPlatform): Promise<string[]> {
  const log: string[] = [];
  const { fs, clock, random } = platform;
  await fs.makeDirectory("/d");
  const writers = ["a", "b", "c"].map(async (name) => {
    const file = await fs.open(`/d/${name}`, "createNew");
    for (let round = 0; round < 5; round++) {
      await file.write(random.fork(`${name}${round}`).bytes(2000), round * 2000);
      log.push(`${name}${round}`);
    }
    await file.sync();
    await file.close();
  });
  for (let timer = 0; timer < 5; timer++) clock.after(3, () => log.push(`timer ${timer}`));
  platform.workers.register("file:///echo", (scope) => scope.onMessage((message) => scope.postMessage(message)));
  const worker = platform.workers.spawn("file:///echo", undefined);
  worker.onMessage((message) => log.push(`message ${String(message)}`));
  for (let message = 0; message < 3; message++) worker.postMessage(message);
  await Promise.all([...writers, sleep(platform, 100)]);
  await worker.terminate();
  return log;
}

async function runBusy(seed: number, faults = {}): Promise<{ log: string[]; digest: string }> {
  const platform = createSimulatedPlatform({ seed, disk: { faults } });
  const log = await platform.run(() => busyProgram(platform));
  return { log, digest: platform.scheduler.trace.digest() };
}

describe("determinism", () => {
  test("the same seed gives the same trace", async () => {
    for (const seed of [1, 2, 3]) expect(await runBusy(seed)).toEqual(await runBusy(seed));
  });

  test("other seeds give other interleavings of the same work", async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, (_, seed) => runBusy(seed)));
    expect(new Set(runs.map(({ digest }) => digest)).size).toBe(8);
    expect(new Set(runs.map(({ log }) => log.join())).size).toBe(8);
    expect(new Set(runs.map(({ log }) => [...log].sort().join())).size).toBe(1);
  });

  test("seeds decide which of two timers of one moment fires first", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const platform = createSimulatedPlatform({ seed });
      const fired: string[] = [];
      platform.clock.after(5, () => fired.push("a"));
      platform.clock.after(5, () => fired.push("b"));
      await platform.scheduler.runUntilIdle();
      orders.add(fired.join());
    }
    expect([...orders].sort()).toEqual(["a,b", "b,a"]);
  });

  test("one event runs with all its microtasks before the next begins", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const log: string[] = [];
    for (const name of ["x", "y"]) {
      platform.clock.after(1, async () => {
        log.push(name);
        for (let step = 0; step < 5; step++) await Promise.resolve();
        log.push(name);
      });
    }
    await platform.scheduler.runUntilIdle();
    expect(log[0]).toBe(log[1]);
    expect(log[2]).toBe(log[3]);
  });
});

describe("driving the time", () => {
  test("nothing happens until it is driven, and advance runs exactly what is due", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1 });
    const fired: number[] = [];
    for (const delayMs of [10, 20, 30]) clock.after(delayMs, () => fired.push(delayMs));
    expect(fired).toEqual([]);
    await scheduler.advance(20);
    expect(fired).toEqual([10, 20]);
    expect(clock.monoMs()).toBe(20);
    await scheduler.runUntilIdle();
    expect([fired.length, clock.monoMs()]).toEqual([3, 30]);
  });

  test("runUntil stops at the event that makes the condition true", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1 });
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      clock.after(10, tick);
    };
    tick();
    await scheduler.runUntil(() => ticks === 4);
    expect(clock.monoMs()).toBe(30);
  });

  test("a condition that never holds, and a program that never rests, end with the trace", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1 });
    await expect(scheduler.runUntil(() => false)).rejects.toThrow("nothing is left to happen");
    const tick = (): void => void clock.after(10, tick);
    tick();
    await expect(scheduler.runUntil(() => false, 500)).rejects.toThrow("nothing more within 500 simulated ms");
    await expect(scheduler.runUntilIdle(500)).rejects.toThrow(
      /not idle after 500 simulated ms; trace .*\n(.*timer\n?)+/,
    );
  });

  test("an error thrown from an event ends the run with it", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1 });
    clock.after(1, () => {
      throw new RangeError("from an event");
    });
    await expect(scheduler.runUntilIdle()).rejects.toThrow(RangeError);
    await expect(scheduler.runUntilIdle()).resolves.toBeUndefined();
  });

  test("driving from two places at once is refused", async () => {
    const { scheduler } = createSimulatedPlatform({ seed: 1 });
    const first = scheduler.advance(1);
    await expect(scheduler.advance(1)).rejects.toThrow("two places");
    await first;
  });

  test("the wall clock jumps and drifts while the monotonic one does not notice", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1, startMs: 1_000_000 });
    await scheduler.advance(1000);
    expect(clock.wallMs()).toBe(1_001_000);
    clock.jumpWall(-5000);
    expect(clock.wallMs()).toBe(996_000);
    clock.driftWall(100_000);
    await scheduler.advance(1000);
    expect(clock.wallMs()).toBe(997_100);
    expect(clock.monoMs()).toBe(2000);
  });

  test("timers may be late by as much as allowed, never early", async () => {
    const { clock, scheduler } = createSimulatedPlatform({ seed: 1, timerLatenessMsMax: 50 });
    const latenesses: number[] = [];
    for (let timer = 0; timer < 100; timer++) clock.after(10, () => latenesses.push(clock.monoMs() - 10));
    await scheduler.runUntilIdle();
    expect(Math.min(...latenesses)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...latenesses)).toBeLessThanOrEqual(50.1);
    expect(new Set(latenesses).size).toBeGreaterThan(90);
  });
});

describe("processes", () => {
  test("a killed process does nothing any more, not even its finally blocks; its disk stays", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const log: string[] = [];
    const program = async (): Promise<void> => {
      try {
        await (await platform.fs.open("/a", "create")).close();
        log.push("opened");
        await sleep(platform, 1000);
      } finally {
        log.push("finally");
      }
    };
    void program();
    await platform.scheduler.advance(100);
    platform.kill();
    platform.clock.after(1, () => log.push("after death"));
    platform.clock.soon(() => log.push("after death"));
    await platform.scheduler.runUntilIdle();
    expect(log).toEqual(["opened"]);
    expect(platform.isDead).toBe(true);

    const next = platform.restart();
    expect(next.isDead).toBe(false);
    expect(await next.run(() => next.fs.list("/"))).toEqual(["a"]);
    expect(next.proc.processId).not.toBe(platform.proc.processId);
    expect(next.random.u32()).not.toBe(createSimulatedPlatform({ seed: 1 }).random.u32());
  });

  test("workers die with their process", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    let ticks = 0;
    platform.workers.register("file:///tick", ({ platform: { clock } }) => {
      const tick = (): void => {
        ticks++;
        clock.after(10, tick);
      };
      tick();
    });
    platform.workers.spawn("file:///tick", undefined);
    await platform.scheduler.runUntil(() => ticks === 3);
    platform.kill();
    await platform.scheduler.runUntilIdle();
    expect(ticks).toBe(3);
  });

  test("two processes share one time and one disk, and go down together with the power", async () => {
    const one = createSimulatedPlatform({ seed: 1, name: "one" });
    const { scheduler, storage } = one;
    const other = createSimulatedPlatform({ seed: 1, name: "other", scheduler, storage });
    await one.run(() => one.fs.makeDirectory("/shared"));
    expect(await other.run(() => other.fs.list("/"))).toEqual(["shared"]);
    expect(other.random.u32()).not.toBe(one.random.u32());
    one.powerOff();
    expect([one.isDead, other.isDead]).toEqual([true, true]);
  });

  test("what the process prints is kept", () => {
    const { proc } = createSimulatedPlatform({ seed: 1, env: { HOME: "/home" } });
    proc.writeOut("a");
    proc.writeOut("b\n");
    proc.writeError("c");
    expect([proc.output(), proc.errorOutput(), proc.env["HOME"]]).toEqual(["ab\n", "c", "/home"]);
  });
});

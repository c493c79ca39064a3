import { describe, expect, test } from "vitest";
import type { DiskEffect, EffectVerdict } from "./disk-faults.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "./simulated-platform.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Each step of writing a file durably can be left out. */
async function put(
  { fs }: SimulatedPlatform,
  path: string,
  bytes: Uint8Array,
  durable: { readonly bytes: boolean; readonly name: boolean },
): Promise<void> {
  const file = await fs.open(path, "create");
  await file.write(bytes, 0);
  if (durable.bytes) await file.sync();
  await file.close();
  if (durable.name) await fs.syncDirectory("/");
}

async function get(platform: SimulatedPlatform, path: string): Promise<Uint8Array | undefined> {
  return platform.run(async () => {
    const found = await platform.fs.stat(path);
    if (found === undefined) return undefined;
    const bytes = new Uint8Array(found.sizeBytes);
    const file = await platform.fs.open(path, "read");
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  });
}

describe("when the power goes", () => {
  test("what was synced, bytes and name, is there whatever the fate of the rest", async () => {
    for (const fate of ["lost", "kept", "seeded"] as const) {
      const platform = createSimulatedPlatform({ seed: 1 });
      await platform.run(() => put(platform, "/a", ascii("synced"), { bytes: true, name: true }));
      platform.powerOff(fate);
      expect(await get(platform.restart(), "/a")).toEqual(ascii("synced"));
    }
  });

  test("unsynced writes are lost: a file with a durable name is empty", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => put(platform, "/a", ascii("unsynced"), { bytes: false, name: true }));
    expect(await get(platform, "/a")).toEqual(ascii("unsynced"));
    platform.powerOff("lost");
    expect(await get(platform.restart(), "/a")).toEqual(new Uint8Array(0));
  });

  test("a name is lost without syncDirectory, however durable its bytes", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => put(platform, "/a", ascii("synced"), { bytes: true, name: false }));
    platform.powerOff("lost");
    expect(await get(platform.restart(), "/a")).toBeUndefined();
  });

  test("a rename without syncDirectory is lost as a whole, and with it is durable", async () => {
    for (const isSynced of [false, true]) {
      const platform = createSimulatedPlatform({ seed: 1 });
      await platform.run(async () => {
        await put(platform, "/old", ascii("old"), { bytes: true, name: true });
        await put(platform, "/new", ascii("new"), { bytes: true, name: true });
        await platform.fs.rename("/new", "/old");
        if (isSynced) await platform.fs.syncDirectory("/");
      });
      platform.powerOff("lost");
      const next = platform.restart();
      expect(await get(next, "/old")).toEqual(ascii(isSynced ? "new" : "old"));
      expect(await get(next, "/new")).toEqual(isSynced ? undefined : ascii("new"));
    }
  });

  test("a rename between directories is durable on each side by itself", async () => {
    const outcomes: (readonly string[])[] = [];
    for (const synced of ["/from", "/to"]) {
      const platform = createSimulatedPlatform({ seed: 1 });
      await platform.run(async () => {
        await platform.fs.makeDirectory("/from");
        await platform.fs.makeDirectory("/to");
        await put(platform, "/from/file", ascii("x"), { bytes: true, name: true });
        for (const directory of ["/", "/from", "/to"]) await platform.fs.syncDirectory(directory);
        await platform.fs.rename("/from/file", "/to/file");
        await platform.fs.syncDirectory(synced);
      });
      platform.powerOff("lost");
      const next = platform.restart();
      outcomes.push(await next.run(async () => [...(await next.fs.list("/from")), ...(await next.fs.list("/to"))]));
    }
    expect(outcomes).toEqual([[], ["file", "file"]]);
  });

  test("a file that came back under two names takes its space until both are gone", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(async () => {
      await platform.fs.makeDirectory("/d");
      await put(platform, "/a", ascii("twice"), { bytes: true, name: true });
      await platform.fs.rename("/a", "/d/a");
      await platform.fs.syncDirectory("/d");
    });
    platform.powerOff("lost");
    const next = platform.restart();
    const usedBytes: number[] = [];
    for (const name of ["/a", "/d/a"]) {
      usedBytes.push(next.storage.disk.usedBytes);
      await next.run(() => next.fs.remove(name));
    }
    expect([...usedBytes, next.storage.disk.usedBytes]).toEqual([5, 5, 0]);
  });

  test("a removal without syncDirectory comes back", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(async () => {
      await put(platform, "/a", ascii("back"), { bytes: true, name: true });
      await platform.fs.remove("/a");
    });
    platform.powerOff("lost");
    expect(await get(platform.restart(), "/a")).toEqual(ascii("back"));
  });

  test("an unsynced write can tear, at sectors only, and the seeds see lost, kept and torn", async () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const platform = createSimulatedPlatform({ seed, disk: { faults: { shortTransferShare: 0 } } });
      await platform.run(async () => {
        await put(platform, "/a", new Uint8Array(4096).fill(1), { bytes: true, name: true });
        const file = await platform.fs.open("/a", "update");
        await file.write(new Uint8Array(3000).fill(2), 100);
      });
      platform.powerOff("seeded");
      const bytes = (await get(platform.restart(), "/a"))!;
      const written = bytes.filter((byte) => byte === 2).length;
      kinds.add(written === 0 ? "lost" : written === 3000 ? "kept" : "torn");
      for (let position = 1; position < bytes.length; position++) {
        const isEdge = position % 512 === 0 || position === 100 || position === 3100;
        if (!isEdge && bytes[position] !== bytes[position - 1]) expect.fail(`torn at ${position}, seed ${seed}`);
      }
    }
    expect([...kinds].sort()).toEqual(["kept", "lost", "torn"]);
  });

  test("SIGKILL alone loses nothing", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => put(platform, "/a", ascii("unsynced"), { bytes: false, name: false }));
    platform.kill();
    expect(await get(platform.restart(), "/a")).toEqual(ascii("unsynced"));
  });
});

describe("a full disk", () => {
  test("ENOSPC comes when the capacity is used up, and what fitted is there", async () => {
    const platform = createSimulatedPlatform({
      seed: 1,
      disk: { capacityBytes: 1000, faults: { shortTransferShare: 0 } },
    });
    const { fs } = platform;
    const file = await platform.run(() => fs.open("/a", "create"));
    await platform.run(() => file.write(new Uint8Array(600), 0));
    expect(await platform.run(() => fs.freeBytes("/"))).toBe(400);
    await expect(platform.run(() => file.write(new Uint8Array(600), 600))).rejects.toMatchObject({ errno: "ENOSPC" });
    await expect(platform.run(() => file.truncate(1001))).rejects.toMatchObject({ errno: "ENOSPC" });
    expect(await platform.run(() => file.sizeBytes())).toBe(1000);
    // In place there is always room.
    await platform.run(() => file.write(new Uint8Array(1000).fill(1), 0));
  });

  test("space is free again when the last name and the last open file are gone", async () => {
    const platform = createSimulatedPlatform({ seed: 1, disk: { capacityBytes: 1000 } });
    await platform.run(async () => {
      const { fs } = platform;
      await put(platform, "/a", new Uint8Array(300), { bytes: true, name: true });
      await put(platform, "/b", new Uint8Array(200), { bytes: true, name: true });
      const open = await fs.open("/a", "update");
      await fs.rename("/b", "/a");
      expect(await fs.freeBytes("/")).toBe(500);
      await open.truncate(100);
      expect(await fs.freeBytes("/")).toBe(700);
      await open.close();
      expect(await fs.freeBytes("/")).toBe(800);
      await fs.makeDirectory("/d");
      await fs.rename("/a", "/d/a");
      expect(await fs.freeBytes("/")).toBe(800);
      await fs.removeTree("/d");
      expect(await fs.freeBytes("/")).toBe(1000);
    });
    platform.powerOff("lost");
    const next = platform.restart();
    // Neither the removals nor the truncation were synced: both files are back, at their durable sizes.
    expect(await next.run(() => next.fs.list("/"))).toEqual(["a", "b"]);
    expect(next.storage.disk.usedBytes).toBe(500);
  });
});

describe("faults", () => {
  test("a failing disk answers reads, writes and syncs with EIO, and names still work", async () => {
    const platform = createSimulatedPlatform({ seed: 1, disk: { faults: { errorShare: 1 } } });
    const file = await platform.run(() => platform.fs.open("/a", "create"));
    await expect(platform.run(() => file.write(ascii("x"), 0))).rejects.toMatchObject({ errno: "EIO" });
    await expect(platform.run(() => file.sync())).rejects.toMatchObject({ errno: "EIO" });
    await expect(platform.run(() => file.truncate(0))).rejects.toMatchObject({ errno: "EIO" });
    await platform.run(() => file.close());
    expect(await platform.run(() => platform.fs.list("/"))).toEqual(["a"]);
  });

  test("after a failed sync the bytes are not durable, even if the next sync succeeds", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const { fs, storage } = platform;
    await platform.run(() => put(platform, "/a", ascii("old"), { bytes: true, name: true }));
    await platform.run(async () => {
      const file = await fs.open("/a", "update");
      await file.write(ascii("new"), 0);
      storage.faults = { ...storage.faults, errorShare: 1 };
      await expect(file.sync()).rejects.toMatchObject({ errno: "EIO" });
      storage.faults = { ...storage.faults, errorShare: 0 };
      await file.sync();
    });
    expect(await get(platform, "/a")).toEqual(ascii("new"));
    platform.powerOff("kept");
    expect(await get(platform.restart(), "/a")).toEqual(ascii("old"));
  });

  test("a stalling disk takes its time", async () => {
    const platform = createSimulatedPlatform({ seed: 1, disk: { faults: { stallShare: 1, stallMs: 5000 } } });
    await platform.run(() => platform.fs.stat("/"));
    expect(platform.clock.monoMs()).toBeGreaterThanOrEqual(5000);
  });

  test("a long write in pieces lets a reader see half of it", async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      const platform = createSimulatedPlatform({ seed, disk: { faults: { shortTransferShare: 1 } } });
      await platform.run(async () => {
        const file = await platform.fs.open("/a", "create");
        const writing = file.write(new Uint8Array(1000), 0);
        seen.add((await platform.fs.stat("/a"))!.sizeBytes);
        await writing;
        expect(await file.sizeBytes()).toBe(1000);
      });
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  test("a flipped bit is read back flipped, now and after the power went", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => put(platform, "/a", new Uint8Array(3), { bytes: true, name: true }));
    platform.storage.disk.flipBit("/a", 1, 7);
    expect(await get(platform, "/a")).toEqual(new Uint8Array([0, 0x80, 0]));
    platform.powerOff("lost");
    expect(await get(platform.restart(), "/a")).toEqual(new Uint8Array([0, 0x80, 0]));
    expect(() => platform.storage.disk.flipBit("/a", 3, 0)).toThrow("no byte 3");
  });
});

describe("crash points", () => {
  /** Runs the verdict at the first effect that matches. */
  const platformThat = (when: Partial<DiskEffect>, verdict: EffectVerdict): SimulatedPlatform =>
    createSimulatedPlatform({
      seed: 1,
      disk: {
        onEffect: (effect) =>
          effect.operation === when.operation && effect.phase === when.phase ? verdict : undefined,
      },
    });

  test("killed before an effect it has not happened, killed after it has; neither ever settles", async () => {
    for (const phase of ["before", "after"] as const) {
      const platform = platformThat({ operation: "make directory", phase }, { kind: "kill" });
      let isSettled = false;
      platform.fs.makeDirectory("/d").finally(() => {
        isSettled = true;
      });
      await platform.scheduler.runUntil(() => platform.isDead);
      await platform.scheduler.runUntilIdle();
      expect(isSettled).toBe(false);
      const next = platform.restart();
      expect(await next.run(() => next.fs.list("/"))).toEqual(phase === "before" ? [] : ["d"]);
    }
  });

  test("failed after an effect it has happened all the same", async () => {
    const platform = platformThat({ operation: "rename", phase: "after" }, { kind: "fail", errno: "EIO" });
    await platform.run(() => put(platform, "/a", ascii("x"), { bytes: true, name: true }));
    await expect(platform.run(() => platform.fs.rename("/a", "/b"))).rejects.toMatchObject({ errno: "EIO" });
    expect(await get(platform, "/b")).toEqual(ascii("x"));
  });

  test("a delayed effect happens later, once", async () => {
    const platform = platformThat({ operation: "make directory", phase: "before" }, { kind: "delay", delayMs: 777 });
    await platform.run(() => platform.fs.makeDirectory("/d"));
    expect(platform.clock.monoMs()).toBeGreaterThanOrEqual(777);
    expect(await platform.run(() => platform.fs.list("/"))).toEqual(["d"]);
  });

  test("the usual way to replace a file survives a power cut at every effect with old or new contents, never else", async () => {
    const replace = async (platform: SimulatedPlatform): Promise<void> => {
      await put(platform, "/a.tmp", new Uint8Array(2000).fill(2), { bytes: true, name: false });
      await platform.fs.rename("/a.tmp", "/a");
      await platform.fs.syncDirectory("/");
    };
    let crashCount = 0;
    const outcomes = new Set<number>();
    for (let crashIndex = 0; ; crashIndex++) {
      const platform = createSimulatedPlatform({ seed: crashIndex });
      await platform.run(() => put(platform, "/a", new Uint8Array(2000).fill(1), { bytes: true, name: true }));
      const first = platform.storage.effectCount;
      const phase = crashIndex % 2 === 0 ? "before" : "after";
      platform.storage.onEffect = (effect) =>
        effect.index === first + Math.floor(crashIndex / 2) && effect.phase === phase
          ? { kind: "powerOff" }
          : undefined;
      let isDone = false;
      void replace(platform).then(() => {
        isDone = true;
      });
      await platform.scheduler.runUntil(() => isDone || platform.isDead);
      if (isDone) break;
      crashCount++;
      const bytes = (await get(platform.restart(), "/a"))!;
      expect(bytes).toHaveLength(2000);
      expect(new Set(bytes).size).toBe(1);
      outcomes.add(bytes[0]!);
    }
    expect(crashCount).toBeGreaterThanOrEqual(12);
    expect([...outcomes].sort()).toEqual([1, 2]);
  });
});

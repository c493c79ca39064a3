import { describe, expect, test } from "vitest";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { DurableDirectories } from "./durable-directory.ts";

/** What is left of a directory when its machine has lost its power. */
async function afterPowerLoss(platform: SimulatedPlatform, path: string): Promise<string | undefined> {
  platform.powerOff("lost");
  const next = platform.restart();
  return (await next.run(() => next.fs.stat(path)))?.kind;
}

/** From the first effect on which the disk fails, as often as it is said. */
function failing(platform: SimulatedPlatform, operation: string, path: string, times: number, errno = "EIO"): void {
  let left = times;
  platform.storage.onEffect = (effect) => {
    if (effect.phase !== "before" || effect.operation !== operation || effect.path !== path || left === 0) {
      return undefined;
    }
    left--;
    return { kind: "fail", errno };
  };
}

const syncsOf = (platform: SimulatedPlatform): string[] => {
  const synced: string[] = [];
  platform.storage.onEffect = ({ operation, path, phase }) => {
    if (operation === "sync directory" && phase === "after") synced.push(path);
    return undefined;
  };
  return synced;
};

describe("a directory that was made durably", () => {
  test("outlives a loss of power, with all parents that had to be made", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => new DurableDirectories(platform.fs).make("/a/b/c"));
    expect(await afterPowerLoss(platform, "/a/b/c")).toBe("directory");
  });

  test.each(["/", "/a"])("outlives it when a first try has failed to sync the names in %s", async (path) => {
    const platform = createSimulatedPlatform({ seed: 1 });
    failing(platform, "sync directory", path, 1);
    await platform.run(async () => {
      const directories = new DurableDirectories(platform.fs);
      await expect(directories.make("/a/b/c")).rejects.toThrow("EIO");
      await directories.make("/a/b/c");
    });
    expect(await afterPowerLoss(platform, "/a/b/c")).toBe("directory");
  });

  test("outlives it when a parent was made by a process that was killed before it had synced the name", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(() => platform.fs.makeDirectory("/a"));
    platform.kill();
    const next = platform.restart();
    await next.run(() => new DurableDirectories(next.fs).make("/a/b"));
    expect(await afterPowerLoss(next, "/a/b")).toBe("directory");
  });

  test("outlives it when its parent was removed meanwhile, and is made again", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    await platform.run(async () => {
      const directories = new DurableDirectories(platform.fs);
      await directories.make("/a/b");
      await platform.fs.removeTree("/a");
      await directories.make("/a/b");
    });
    expect(await afterPowerLoss(platform, "/a/b")).toBe("directory");
  });
});

test("names on the way are synced once, the name of what is made every time", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const synced = syncsOf(platform);
  await platform.run(async () => {
    const directories = new DurableDirectories(platform.fs);
    await directories.make("/a/b/c");
    await directories.make("/a/b/d");
    await directories.ensure("/a/b");
  });
  expect(synced).toEqual(["/", "/a", "/a/b", "/a/b"]);
});

test.each(["EROFS", "EACCES", "EPERM", "EINVAL"])("a parent that is somebody else's may refuse: %s", async (errno) => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    await platform.fs.makeDirectory("/mnt");
    failing(platform, "sync directory", "/", 1, errno);
    await expect(new DurableDirectories(platform.fs).make("/mnt/job")).resolves.toBeUndefined();
  });
});

test("a parent that was made here may not refuse, at no try", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  failing(platform, "sync directory", "/", 2, "EACCES");
  await platform.run(async () => {
    const directories = new DurableDirectories(platform.fs);
    await expect(directories.make("/a/b")).rejects.toThrow("EACCES");
    await expect(directories.make("/a/b")).rejects.toThrow("EACCES");
    await expect(directories.make("/a/b")).resolves.toBeUndefined();
  });
});

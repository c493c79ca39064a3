import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { SimulatedObjectStore } from "../platform/simulated-object-store.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { FileSystems } from "./file-systems.ts";

const BYTES = new Uint8Array([1, 2, 3]);

function platformWith(packages: Readonly<Record<string, unknown>>): SimulatedPlatform {
  return createSimulatedPlatform({ seed: 5, packages });
}

function filesOn(platform: SimulatedPlatform, settings: Readonly<Record<string, string>> = {}): FileSystems {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return FileSystems.of(platform, Configuration.fromEntries(entries));
}

async function failureOf(platform: SimulatedPlatform, action: () => Promise<unknown>): Promise<string> {
  return platform.run(() =>
    action().then(
      () => "",
      (error: unknown) => String(error),
    ),
  );
}

describe("S32: the place of a checkpoint is found by its scheme", () => {
  test("paths and file: URLs are on the disk, other schemes in their packages, which are loaded once", async () => {
    const store = new SimulatedObjectStore();
    let loads = 0;
    const platform = platformWith({});
    const load = (name: string): Promise<unknown> => {
      loads++;
      expect(name).toBe("@millrace/storage-s3");
      return Promise.resolve(store.package);
    };
    const files = FileSystems.of({ ...platform, packages: { load } }, new Configuration());
    await platform.run(async () => {
      await Promise.all([files.write("s3://b/x", BYTES), files.write("S3://b/y", BYTES), files.stat("s3://b/z")]);
      await files.write("/on-disk", BYTES);
      expect(await files.list("/")).toEqual(["on-disk"]);
      expect((await files.stat(files.resolve("file:///on-disk")))?.sizeBytes).toBe(3);
    });
    expect([...store.objects.keys()].sort()).toEqual(["s3://b/x", "s3://b/y"]);
    expect(loads).toBe(1);
  });

  test("a package of one's own is named in fs.packages, and may replace one that is known", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith({ "@acme/storage": store.package });
    const files = filesOn(platform, { "fs.packages": "gs:@acme/storage,s3:@acme/storage" });
    await platform.run(async () => {
      await files.write("gs://b/x", BYTES);
      await files.write("s3://b/x", BYTES);
    });
    expect([...store.objects.keys()]).toEqual(["gs://b/x", "s3://b/x"]);
  });

  test("MR_FILE_SYSTEM_UNSUPPORTED names the package to install, or the setting that names one", async () => {
    const platform = platformWith({ broken: { somethingElse: 1 } });
    const files = filesOn(platform, { "fs.packages": "gs:broken" });
    const failures = [];
    for (const path of ["s3://b/x", "hdfs://n:1/x", "ftp://h/x", "gs://b/x"]) {
      failures.push(await failureOf(platform, () => files.open(path)));
    }
    expect(failures[0]).toMatch(/MR_FILE_SYSTEM_UNSUPPORTED.*npm install @millrace\/storage-s3/);
    expect(failures[1]).toMatch(/MR_FILE_SYSTEM_UNSUPPORTED.*npm install @millrace\/storage-hdfs/);
    expect(failures[2]).toMatch(/MR_FILE_SYSTEM_UNSUPPORTED.*ftp:\/\/h\/x.*fs\.packages/);
    expect(failures[3]).toMatch(/MR_FILE_SYSTEM_UNSUPPORTED.*package broken.*fileSystemFactory/);
    expect(() => files.resolve("s3:bucket/x")).toThrow("MR_FILE_SYSTEM_UNSUPPORTED");
  });

  test("what a package fails with while it is loaded is its own, and is asked again the next time", async () => {
    const platform = platformWith({});
    let loads = 0;
    const load = (): Promise<unknown> => Promise.reject(new Error(`load ${++loads}`));
    const files = FileSystems.of({ ...platform, packages: { load } }, new Configuration());
    for (const expected of ["load 1", "load 2"]) {
      expect(await failureOf(platform, () => files.list("s3://b"))).toContain(expected);
    }
  });
});

describe("S32: fs.allowed-prefixes", () => {
  const settings = { "fs.allowed-prefixes": "/data;s3://bucket/jobs" };

  test("MR_FILE_SYSTEM_NOT_ALLOWED: nothing outside of them is written, read, listed or removed", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith({ "@millrace/storage-s3": store.package });
    const files = filesOn(platform, settings);
    const outside = ["/dat", "/database", "/data/../etc", "s3://bucket/job", "s3://bucket", "s3://other/jobs", "/"];
    for (const path of outside) {
      const calls = [
        () => files.write(path, BYTES),
        () => files.writeNew(path, BYTES),
        () => files.open(path),
        () => files.stat(path),
        () => files.list(path),
        () => files.makeDirectory(path),
        () => files.removeFiles(path, ["x"]),
        () => files.removeTree(path),
        () => files.syncDirectory(path),
      ];
      for (const call of calls) expect(await failureOf(platform, call), path).toContain("MR_FILE_SYSTEM_NOT_ALLOWED");
    }
    expect(store.requestCount).toBe(0);
  });

  test("all that is below them is allowed, whatever way it is written", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith({ "@millrace/storage-s3": store.package });
    const files = filesOn(platform, settings);
    await platform.run(async () => {
      await files.makeDirectory("/data/a");
      await files.write(files.resolve("file:///data/a/x"), BYTES);
      await files.write("s3://bucket/jobs/x", BYTES);
      expect(await files.list("s3://bucket/jobs")).toEqual(["x"]);
    });
  });
});

describe("secrets of file systems", () => {
  test("are not shown where settings are shown, and are not sent to another process' file systems", () => {
    const configuration = Configuration.fromEntries([
      { key: "s3.secret-key", value: "very-secret" },
      { key: "s3.access-key", value: "id" },
    ]);
    expect(configuration.toString()).toBe("s3.access-key: id\ns3.secret-key: ******\n");
    expect(configuration.toDisplayedEntries().map(({ value }) => value)).toEqual(["id", "******"]);
    expect(configuration.toEntriesWithoutSecrets().map(({ key }) => key)).toEqual(["s3.access-key"]);
    expect(() => Configuration.fromEntries([{ key: "s3.secret-key", value: { very: "secret" } }])).toThrow(
      /s3\.secret-key is a secret of another kind, expected a text/,
    );
  });
});

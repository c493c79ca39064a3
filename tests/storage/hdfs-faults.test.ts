/** `@millrace/storage-hdfs` with a cluster in trouble: a real one behind a proxy that breaks requests and answers. */
import type { FileSystem } from "millrace";
import { SeededRandom } from "millrace/internal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FaultyProxy, type ProxiedRequest, startFaultyProxy, type Verdict } from "./faulty-proxy.ts";
import { expectSame, pattern, readAll } from "./file-system-contract.ts";
import { HastyClock, TIMEOUT_MS } from "./hasty-clock.ts";
import { HAS_HDFS, type Hdfs, hdfsFileSystem, hdfsSettings, startHdfs } from "./hdfs.ts";

const ATTEMPTS = 4;
/** More than a block. */
const LARGE = pattern(5 * 2 ** 20 + 7, 1);

function remote(exception: string, message: string): string {
  return JSON.stringify({ RemoteException: { exception, javaClassName: `org.apache.hadoop.${exception}`, message } });
}

const passing: readonly Verdict[] = [
  { kind: "status", status: 503, body: "<html>busy</html>" },
  { kind: "status", status: 403, body: remote("StandbyException", "Operation category READ is not supported") },
  { kind: "status", status: 403, body: remote("SafeModeException", "Name node is in safe mode") },
  {
    kind: "status",
    status: 403,
    body: remote("IOException", "could only be written to 0 of the 1 minReplication nodes"),
  },
  { kind: "reset" },
  { kind: "lost" },
  { kind: "silent" },
  { kind: "silentAfter" },
  { kind: "cut" },
];

describe.skipIf(!HAS_HDFS)("S32: HDFS in trouble", () => {
  let hdfs: Hdfs;
  let proxy: FaultyProxy;
  let fs: FileSystem;
  let clock: HastyClock;
  let place: string;
  let count = 0;

  beforeAll(async () => {
    hdfs = await startHdfs();
  }, 90_000);
  afterAll(() => hdfs?.stop());

  beforeEach(async () => {
    proxy = await startFaultyProxy(hdfs.port);
    clock = new HastyClock();
    proxy.onSilence = () => clock.expire();
    fs = hdfsFileSystem({ ...hdfsSettings(hdfs, portOf(proxy)), ...limits }, clock);
    place = `hdfs://${hdfs.authority}/faults/${count++}`;
  });
  afterEach(() => proxy?.close());

  const limits = { "fs.hdfs.max-attempts": String(ATTEMPTS), "fs.hdfs.request-timeout": `${TIMEOUT_MS} ms` };

  const breakFirst = (times: number, verdict: Verdict, isMeant: (request: ProxiedRequest) => boolean = () => true) => {
    let left = times;
    proxy.judge = (request) => (isMeant(request) && left-- > 0 ? verdict : undefined);
  };

  test.each(passing)(
    "what passes is tried again, in every operation, at NameNode and DataNode: %o",
    async (verdict) => {
      const toDataNode = ({ url }: ProxiedRequest): boolean => url.startsWith("/@");
      for (const isMeant of [toDataNode, (request: ProxiedRequest): boolean => !toDataNode(request)]) {
        const broken = async <T>(action: () => Promise<T>): Promise<T> => {
          breakFirst(ATTEMPTS - 1, verdict, isMeant);
          return action();
        };
        await broken(() => fs.makeDirectory(place));
        await broken(() => fs.write(`${place}/large`, LARGE));
        await broken(() => fs.writeNew(`${place}/_metadata`, pattern(500, 3)));
        expectSame(await broken(() => readAll(fs, `${place}/large`)), LARGE);
        expectSame(await broken(() => readAll(fs, `${place}/_metadata`)), pattern(500, 3));
        expect(await broken(() => fs.list(place))).toEqual(["_metadata", "large"]);
        expect(await broken(() => fs.stat(`${place}/large`))).toMatchObject({ sizeBytes: LARGE.length });
        await broken(() => fs.removeFiles(place, ["large"]));
        expect(await fs.list(place)).toEqual(["_metadata"]);
        await broken(() => fs.removeTree(place));
        expect(await fs.stat(place)).toBeUndefined();
      }
      expect(clock.pauses).toBeGreaterThan(0);
    },
    120_000,
  );

  test("every mixture of troubles that leaves one try of each request alone leaves the right files", async () => {
    const random = new SeededRandom("mixture");
    let inARow = 0;
    proxy.judge = () => {
      const isBroken = inARow < 1 && random.u32() % 5 < 1;
      inARow = isBroken ? inARow + 1 : 0;
      return isBroken ? passing[random.u32() % passing.length] : undefined;
    };
    const names = Array.from({ length: 12 }, (_, index) => `f${10 + index}`);
    for (const [index, name] of names.entries()) {
      const path = `${place}/${name}`;
      if (index % 2 === 0) await fs.write(path, pattern(3000, index));
      else await fs.writeNew(path, pattern(3000, index));
    }
    for (const [index, name] of names.entries())
      expectSame(await readAll(fs, `${place}/${name}`), pattern(3000, index));
    expect(await fs.list(place)).toEqual(names);
    await fs.removeTree(place);
    expect(await fs.stat(place)).toBeUndefined();
  }, 120_000);

  test("EREMOTEIO: what does not pass after all tries says of what it failed, and how often it was asked is bounded", async () => {
    proxy.judge = () => ({ kind: "status", status: 403, body: remote("SafeModeException", "in safe mode\n\tat java") });
    const failure = await fs.list(place).then(String, (error: Error) => error);
    expect(failure).toMatchObject({
      errno: "EREMOTEIO",
      message: expect.stringMatching(/403 SafeModeException in safe mode\) hdfs:\/\//),
    });
    expect(proxy.requests).toHaveLength(ATTEMPTS);
  });

  test("EACCES, ENOSPC: what is refused for good is asked once", async () => {
    for (const [errno, exception] of [
      ["EACCES", "AccessControlException"],
      ["ENOSPC", "DSQuotaExceededException"],
    ] as const) {
      proxy.judge = () => ({ kind: "status", status: 403, body: remote(exception, "no") });
      const before = proxy.requests.length;
      await expect(fs.makeDirectory(place)).rejects.toMatchObject({ errno });
      expect(proxy.requests.length - before).toBe(1);
    }
  });

  test("a new file whose answer was lost is this one's, another one's is EEXIST, and nothing else is left", async () => {
    const isRename = ({ url }: ProxiedRequest): boolean => url.includes("op=RENAME");
    breakFirst(1, { kind: "lost" }, isRename);
    await fs.writeNew(`${place}/_metadata`, pattern(100, 1));
    breakFirst(1, { kind: "lost" }, isRename);
    await expect(fs.writeNew(`${place}/_metadata`, pattern(50, 2))).rejects.toMatchObject({ errno: "EEXIST" });
    expectSame(await readAll(fs, `${place}/_metadata`), pattern(100, 1));
    expect(await fs.list(place)).toEqual(["_metadata"]);
  });

  test("bytes of which fewer come than were asked for are not taken, whatever length the answer says", async () => {
    await fs.write(`${place}/a`, pattern(1000, 1));
    const file = await fs.open(`${place}/a`);
    breakFirst(2, { kind: "short" }, ({ url }) => url.startsWith("/@"));
    const target = new Uint8Array(600);
    expect(await file.read(target, 100)).toBe(600);
    expectSame(target, pattern(1000, 1).subarray(100, 700));
    proxy.judge = ({ url }) => (url.startsWith("/@") ? { kind: "short" } : undefined);
    await expect(file.read(target, 100)).rejects.toMatchObject({ errno: "EREMOTEIO" });
  });

  test("W1: of two NameNodes the active one is asked, and asked first from then on", async () => {
    const standby = await startFaultyProxy(hdfs.port);
    try {
      standby.judge = () => ({ kind: "status", status: 403, body: remote("StandbyException", "standby") });
      const addresses = `${hdfs.authority}=${standby.url},${proxy.url}`;
      fs = hdfsFileSystem({ ...limits, "fs.hdfs.webhdfs-addresses": addresses }, clock);
      await fs.makeDirectory(place);
      await fs.writeNew(`${place}/a`, pattern(10, 1));
      expect(standby.requests).toHaveLength(1);
    } finally {
      await standby.close();
    }
  });
});

function portOf({ url }: FaultyProxy): number {
  return Number(new URL(url).port);
}

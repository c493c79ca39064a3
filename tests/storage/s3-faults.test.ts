/** `@millrace/storage-s3` with a service in trouble: a real server behind a proxy that breaks requests and answers. */
import type { FileSystem } from "millrace";
import { SeededRandom } from "millrace/internal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FaultyProxy, type ProxiedRequest, startFaultyProxy, type Verdict } from "./faulty-proxy.ts";
import { expectSame, pattern, readAll } from "./file-system-contract.ts";
import { HastyClock, TIMEOUT_MS } from "./hasty-clock.ts";
import { HAS_MOTO, type Moto, s3FileSystem, startMoto } from "./moto.ts";

const ATTEMPTS = 5;
const TWO_PARTS = pattern(5 * 2 ** 20 + 7, 1);

const INTERNAL_ERROR =
  '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>';

describe.skipIf(!HAS_MOTO)("S32: S3 in trouble", () => {
  let moto: Moto;
  let proxy: FaultyProxy;
  let fs: FileSystem;
  let clock: HastyClock;
  let place: string;
  let count = 0;

  beforeAll(async () => {
    moto = await startMoto();
    await moto.createBucket("bucket");
  }, 90_000);
  afterAll(() => moto?.stop());

  beforeEach(async () => {
    proxy = await startFaultyProxy(moto.port);
    clock = new HastyClock();
    proxy.onSilence = () => clock.expire();
    const settings = { "s3.attempts.maximum": String(ATTEMPTS), "s3.connection.timeout": `${TIMEOUT_MS} ms` };
    fs = s3FileSystem(proxy.url, settings, clock);
    place = `s3://bucket/faults/${count++}`;
  });
  afterEach(() => proxy?.close());

  /** The first requests that the test is about go wrong, and no more of them than are tried. */
  const breakFirst = (times: number, verdict: Verdict, isMeant: (request: ProxiedRequest) => boolean = () => true) => {
    let left = times;
    proxy.judge = (request) => (isMeant(request) && left-- > 0 ? verdict : undefined);
  };

  const passing: readonly Verdict[] = [
    { kind: "status", status: 500, body: INTERNAL_ERROR },
    { kind: "status", status: 503, body: "<Error><Code>SlowDown</Code></Error>" },
    { kind: "status", status: 429 },
    { kind: "status", status: 502, body: "<html>Bad gateway</html>" },
    { kind: "reset" },
    { kind: "lost" },
    { kind: "silent" },
    { kind: "silentAfter" },
    { kind: "cut" },
    { kind: "damaged" },
  ];

  test.each(passing)("what passes is tried again, in every operation: %o", async (verdict) => {
    const times = ATTEMPTS - 1;
    const broken = async <T>(action: () => Promise<T>): Promise<T> => {
      breakFirst(times, verdict);
      return action();
    };
    await broken(() => fs.makeDirectory(place));
    await broken(() => fs.write(`${place}/small`, pattern(1000, 2)));
    await broken(() => fs.write(`${place}/large`, TWO_PARTS));
    await broken(() => fs.writeNew(`${place}/_metadata`, pattern(500, 3)));
    expectSame(await broken(() => readAll(fs, `${place}/small`)), pattern(1000, 2));
    expectSame(await broken(() => readAll(fs, `${place}/large`)), TWO_PARTS);
    expectSame(await broken(() => readAll(fs, `${place}/_metadata`)), pattern(500, 3));
    expect(await broken(() => fs.list(place))).toEqual(["_metadata", "large", "small"]);
    expect(await broken(() => fs.stat(`${place}/small`))).toMatchObject({ sizeBytes: 1000 });
    await broken(() => fs.removeFiles(place, ["small"]));
    expect(await fs.list(place)).toEqual(["_metadata", "large"]);
    await broken(() => fs.removeTree(place));
    expect(await fs.list(place)).toEqual([]);
    expect(clock.pauses).toBeGreaterThan(0);
  });

  test("every mixture of troubles that leaves one try of each request alone leaves the right files", async () => {
    const random = new SeededRandom("mixture");
    const inARow = new Map<string, number>();
    proxy.judge = ({ method, url }) => {
      const request = `${method} ${url}`;
      const before = inARow.get(request) ?? 0;
      const isBroken = before < ATTEMPTS - 1 && random.u32() % 5 < 2;
      inARow.set(request, isBroken ? before + 1 : 0);
      return isBroken ? passing[random.u32() % passing.length] : undefined;
    };
    const names = Array.from({ length: 12 }, (_, index) => `f${10 + index}`);
    // One at a time: a timeout that is declared over is that of one request.
    for (const [index, name] of names.entries()) {
      const path = `${place}/${name}`;
      if (index % 2 === 0) await fs.write(path, index === 0 ? TWO_PARTS : pattern(3000, index));
      else await fs.writeNew(path, pattern(3000, index));
    }
    for (const [index, name] of names.entries()) {
      expectSame(await readAll(fs, `${place}/${name}`), index === 0 ? TWO_PARTS : pattern(3000, index));
    }
    expect(await fs.list(place)).toEqual(names);
    await fs.removeTree(place);
    expect(await fs.list(place)).toEqual([]);
  });

  test("EREMOTEIO: what does not pass after all tries says of what it failed, and how often it was asked is bounded", async () => {
    proxy.judge = () => ({
      kind: "status",
      status: 503,
      body: "<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>",
    });
    await expect(fs.write(`${place}/a`, pattern(10, 1))).rejects.toMatchObject({
      errno: "EREMOTEIO",
      message: expect.stringMatching(/503 SlowDown Reduce.*s3:\/\/bucket\/faults/),
    });
    expect(proxy.requests).toHaveLength(ATTEMPTS);
    expect(clock.pauses).toBe(ATTEMPTS - 1);
  });

  test("EACCES: what is refused for good is asked once, and no message has the secret in it", async () => {
    const body =
      "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature is another</Message><StringToSign>AWS4</StringToSign></Error>";
    proxy.judge = () => ({ kind: "status", status: 403, body });
    const failure = await fs.writeNew(`${place}/a`, pattern(10, 1)).then(String, (error: Error) => error);
    expect(failure).toMatchObject({ errno: "EACCES", message: expect.stringContaining("SignatureDoesNotMatch") });
    expect(proxy.requests).toHaveLength(1);
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toMatch(/test-secret|StringToSign/);
    expect(JSON.stringify(proxy.requests)).not.toContain("test-secret");
  });

  test("a new file whose answer was lost is this one's, and another one's is EEXIST", async () => {
    breakFirst(1, { kind: "lost" }, ({ method }) => method === "PUT");
    await fs.writeNew(`${place}/_metadata`, pattern(100, 1));
    breakFirst(1, { kind: "lost" }, ({ method }) => method === "PUT");
    await expect(fs.writeNew(`${place}/_metadata`, pattern(100, 1))).rejects.toMatchObject({ errno: "EEXIST" });
  });

  test("an upload in parts that was completed without an answer is complete", async () => {
    breakFirst(1, { kind: "lost" }, ({ method, url }) => method === "POST" && url.includes("uploadId"));
    await fs.write(`${place}/a`, TWO_PARTS);
    expectSame(await readAll(fs, `${place}/a`), TWO_PARTS);
  });

  test("a failure that comes with status 200 is one", async () => {
    breakFirst(
      2,
      { kind: "status", status: 200, body: INTERNAL_ERROR },
      ({ method, url }) => method === "POST" && url.includes("uploadId"),
    );
    await fs.write(`${place}/a`, TWO_PARTS);
    expectSame(await readAll(fs, `${place}/a`), TWO_PARTS);
    const denied =
      "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>";
    breakFirst(1, { kind: "status", status: 200, body: denied });
    await expect(fs.removeFiles(place, ["a"])).rejects.toMatchObject({ errno: "EACCES" });
  });

  test("bytes of which fewer come than were asked for are not taken, whatever length the answer says", async () => {
    await fs.write(`${place}/a`, pattern(1000, 1));
    const file = await fs.open(`${place}/a`);
    breakFirst(2, { kind: "short" });
    const target = new Uint8Array(600);
    expect(await file.read(target, 100)).toBe(600);
    expectSame(target, pattern(1000, 1).subarray(100, 700));
    proxy.judge = () => ({ kind: "short" });
    await expect(file.read(target, 100)).rejects.toMatchObject({ errno: "EREMOTEIO" });
  });

  test("U3: an upload in parts that fails leaves no parts", async () => {
    proxy.judge = ({ url }) => (url.includes("partNumber=2") ? { kind: "status", status: 500 } : undefined);
    await expect(fs.write(`${place}/a`, TWO_PARTS)).rejects.toMatchObject({ errno: "EREMOTEIO" });
    const uploads = await (await fetch(`${moto.endpoint}/bucket?uploads`)).text();
    expect(uploads).toContain("ListMultipartUploadsResult");
    // An upload that has begun without an answer is known to nobody: those of other tests may be there.
    expect(uploads).not.toContain(`<Key>${place.slice("s3://bucket/".length)}/a</Key>`);
    expect(await fs.stat(`${place}/a`)).toBeUndefined();
  });
});

/** What every place for snapshots promises, as tests. */
import type { ByteSource, FileSystem } from "millrace";
import { crc32c } from "millrace/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StorageHost, StorageKind } from "./storage-kind.ts";

/** More than a part of S3, and more than a block of HDFS in the tests. */
const LARGE_BYTES = 21 * 2 ** 20 + 12_345;

/** Allowed in every file system that is tested; ":" is not in HDFS. */
const ODD_NAMES = [
  "a b",
  "a+b",
  "a%20b",
  "a%2Fb",
  "ünï-日本",
  "a&b<c>'d'\"e\"",
  "a#b?c=d",
  "(!*~)$@,;=",
  "..a",
  "a..",
  "[x]{y}^`|",
  "x".repeat(200),
];

/** What the tests of one kind of place share. */
interface Tested {
  readonly kind: StorageKind;
  readonly fs: FileSystem;
  freshDirectory(): Promise<string>;
}

/** Runs in a `describe` of the caller's. */
export function fileSystemContract(kind: StorageKind): void {
  let host: StorageHost;
  let count = 0;
  beforeAll(async () => {
    host = await kind.start();
  }, 90_000);
  afterAll(() => host?.close());
  const tested: Tested = {
    kind,
    get fs() {
      return host.fs;
    },
    freshDirectory: async () => {
      const path = `${host.root}/d${count++}`;
      await host.fs.makeDirectory(path);
      return path;
    },
  };
  describe("files", () => {
    wholeFiles(tested);
    largeFiles(tested);
  });
  describe("new files", () => newFiles(tested));
  describe("directories", () => {
    listedDirectories(tested);
    removedDirectories(tested);
  });
  oddNames(tested);
}

function wholeFiles(tested: Tested): void {
  test("are read as they were written, whole and in ranges, also beyond their end", async () => {
    const directory = await tested.freshDirectory();
    const bytes = pattern(1000, 7);
    await tested.fs.write(`${directory}/a`, bytes);
    await tested.fs.write(`${directory}/empty`, new Uint8Array());
    expectSame(await readAll(tested.fs, `${directory}/a`), bytes);
    expectSame(await readAll(tested.fs, `${directory}/empty`), new Uint8Array());
    const file = await tested.fs.open(`${directory}/a`);
    expect(file.sizeBytes).toBe(1000);
    for (const [position, length, expected] of [
      [0, 1, 1],
      [999, 1, 1],
      [990, 100, 10],
      [1000, 5, 0],
      [2000, 5, 0],
      [10, 0, 0],
      [0, 1000, 1000],
    ] as const) {
      const target = new Uint8Array(length);
      expect(await file.read(target, position)).toBe(expected);
      expect(target.subarray(0, expected)).toEqual(bytes.subarray(position, position + expected));
    }
    await file.close();
  });

  test("are there as soon as they are written, for everybody, many at a time", async () => {
    const directory = await tested.freshDirectory();
    const names = Array.from({ length: 30 }, (_, index) => `f${String(index).padStart(2, "0")}`);
    await Promise.all(
      names.map((name, index) => tested.fs.write(`${directory}/${name}`, pattern(2000 + index, index))),
    );
    expect(await tested.fs.list(directory)).toEqual(names);
    const all = await Promise.all(names.map((name) => readAll(tested.fs, `${directory}/${name}`)));
    for (const [index, bytes] of all.entries()) expectSame(bytes, pattern(2000 + index, index));
  });

  test("that are missing cannot be opened: ENOENT", async () => {
    const directory = await tested.freshDirectory();
    await expect(tested.fs.open(`${directory}/none`)).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(tested.fs.open(`${directory}/none/below`)).rejects.toMatchObject({ errno: "ENOENT" });
  });
}

function largeFiles(tested: Tested): void {
  test("that are large are written from a source that is read in pieces, and read across all borders", async () => {
    const directory = await tested.freshDirectory();
    const bytes = pattern(LARGE_BYTES, 3);
    let pieceMax = 0;
    const source: ByteSource = {
      sizeBytes: bytes.length,
      read: (target, position) => {
        pieceMax = Math.max(pieceMax, target.length);
        // Less than asked: a source may say so at any time.
        const piece = bytes.subarray(position, position + Math.min(target.length, 3_000_001));
        target.set(piece);
        return Promise.resolve(piece.length);
      },
    };
    await tested.fs.write(`${directory}/large`, source);
    expect(pieceMax).toBeLessThan(LARGE_BYTES);
    const file = await tested.fs.open(`${directory}/large`);
    expect(file.sizeBytes).toBe(LARGE_BYTES);
    let checksum = 0;
    const target = new Uint8Array(6_000_000);
    for (let position = 0; position < LARGE_BYTES; ) {
      const read = await file.read(target, position);
      expect(read).toBe(Math.min(target.length, LARGE_BYTES - position));
      checksum = crc32c(target, 0, read, checksum);
      position += read;
    }
    expect(checksum).toBe(crc32c(bytes, 0, bytes.length, 0));
    await file.close();
    expect((await tested.fs.stat(`${directory}/large`))?.sizeBytes).toBe(LARGE_BYTES);
  }, 120_000);

  test("are not there when what they are made of ends too early", async () => {
    const directory = await tested.freshDirectory();
    const source = { sizeBytes: LARGE_BYTES, read: () => Promise.reject(new Error("the disk is gone")) };
    await expect(tested.fs.write(`${directory}/a`, source)).rejects.toThrow("the disk is gone");
    const short = { sizeBytes: 100, read: () => Promise.resolve(0) };
    await expect(tested.fs.write(`${directory}/b`, short)).rejects.toMatchObject({ errno: "EIO" });
    if (!tested.kind.hasDirectories) expect(await tested.fs.list(directory)).toEqual([]);
  });
}

function newFiles(tested: Tested): void {
  test("EEXIST: a second one of the same name is refused, and the first stays as it is", async () => {
    const directory = await tested.freshDirectory();
    await tested.fs.writeNew(`${directory}/_metadata`, pattern(100, 1));
    await expect(tested.fs.writeNew(`${directory}/_metadata`, pattern(50, 2))).rejects.toMatchObject({
      errno: "EEXIST",
    });
    expectSame(await readAll(tested.fs, `${directory}/_metadata`), pattern(100, 1));
  });

  test.runIf(tested.kind.isNewAtomic)(
    "of several of the same name exactly one succeeds, and it is that one's",
    async () => {
      const directory = await tested.freshDirectory();
      for (let round = 0; round < 5; round++) {
        const path = `${directory}/_metadata${round}`;
        const settled = await Promise.allSettled(
          Array.from({ length: 8 }, (_, writer) => tested.fs.writeNew(path, pattern(5000, writer))),
        );
        const winners = settled.flatMap(({ status }, writer) => (status === "fulfilled" ? [writer] : []));
        expect(winners).toHaveLength(1);
        for (const each of settled) if (each.status === "rejected") expect(each.reason.errno).toBe("EEXIST");
        expectSame(await readAll(tested.fs, path), pattern(5000, winners[0]!));
      }
    },
  );

  test("are seen as a whole or not at all while they are written", async () => {
    const directory = await tested.freshDirectory();
    const bytes = pattern(4 * 2 ** 20, 9);
    let isDone = false;
    const writing = tested.fs.writeNew(`${directory}/_metadata`, bytes).finally(() => {
      isDone = true;
    });
    const sizes = new Set<number | undefined>();
    while (!isDone) sizes.add((await tested.fs.stat(`${directory}/_metadata`))?.sizeBytes);
    await writing;
    sizes.delete(undefined);
    expect([...sizes].filter((size) => size !== bytes.length)).toEqual([]);
    expectSame(await readAll(tested.fs, `${directory}/_metadata`), bytes);
  });
}

function listedDirectories(tested: Tested): void {
  test("list the names of their files and directories, sorted, and not what is deeper", async () => {
    const directory = await tested.freshDirectory();
    for (const name of ["b", "B", "10", "9", "sub/x", "sub/deeper/y"]) {
      await tested.fs.makeDirectory(`${directory}/sub/deeper`);
      await tested.fs.write(`${directory}/${name}`, pattern(1, 1));
    }
    expect(await tested.fs.list(directory)).toEqual(["10", "9", "B", "b", "sub"]);
    expect(await tested.fs.list(`${directory}/sub`)).toEqual(["deeper", "x"]);
    if (tested.kind.hasDirectories) {
      await expect(tested.fs.list(`${directory}/none`)).rejects.toMatchObject({ errno: "ENOENT" });
    } else {
      expect(await tested.fs.list(`${directory}/none`)).toEqual([]);
    }
  });

  test("are told from files, and from nothing", async () => {
    const directory = await tested.freshDirectory();
    await tested.fs.makeDirectory(`${directory}/sub`);
    await tested.fs.makeDirectory(`${directory}/sub`);
    await tested.fs.write(`${directory}/sub/x`, pattern(123, 1));
    expect(await tested.fs.stat(`${directory}/sub`)).toMatchObject({ kind: "directory" });
    expect(await tested.fs.stat(`${directory}/sub/x`)).toMatchObject({ kind: "file", sizeBytes: 123 });
    expect(await tested.fs.stat(`${directory}/su`)).toBeUndefined();
    expect(await tested.fs.stat(`${directory}/sub/x/y`)).toBeUndefined();
  });
}

function removedDirectories(tested: Tested): void {
  test("lose the files that are removed and no others; what is missing is no error", async () => {
    const directory = await tested.freshDirectory();
    for (const name of ["a", "ab", "b", "c"]) await tested.fs.write(`${directory}/${name}`, pattern(1, 1));
    await tested.fs.removeFiles(directory, ["a", "none", "c"]);
    await tested.fs.removeFiles(directory, ["a"]);
    await tested.fs.removeFiles(directory, []);
    await tested.fs.syncDirectory(directory);
    expect(await tested.fs.list(directory)).toEqual(["ab", "b"]);
    await tested.fs.writeNew(`${directory}/a`, pattern(2, 2));
    expectSame(await readAll(tested.fs, `${directory}/a`), pattern(2, 2));
  });

  test("are removed with all they hold, without those whose names begin the same", async () => {
    const directory = await tested.freshDirectory();
    for (const name of ["chk-1", "chk-1/shared", "chk-10", "chk-1x"]) {
      await tested.fs.makeDirectory(`${directory}/${name}`);
      await tested.fs.write(`${directory}/${name}/x`, pattern(1, 1));
    }
    await tested.fs.removeTree(`${directory}/chk-1`);
    await tested.fs.removeTree(`${directory}/chk-1`);
    await tested.fs.removeTree(`${directory}/none`);
    expect(await tested.fs.list(directory)).toEqual(["chk-10", "chk-1x"]);
    expect(await tested.fs.stat(`${directory}/chk-1/x`)).toBeUndefined();
  });
}

function oddNames(tested: Tested): void {
  test("names are taken as they are", async () => {
    const directory = await tested.freshDirectory();
    for (const [index, name] of ODD_NAMES.entries()) {
      await tested.fs.makeDirectory(`${directory}/${name}`);
      await tested.fs.write(`${directory}/${name}/${name}`, pattern(10, index));
      await tested.fs.writeNew(`${directory}/${name}/_metadata`, pattern(11, index));
    }
    expect(await tested.fs.list(directory)).toEqual([...ODD_NAMES].sort());
    for (const [index, name] of ODD_NAMES.entries()) {
      const place = `${directory}/${name}`;
      expect(await tested.fs.list(place)).toEqual(["_metadata", name].sort());
      expectSame(await readAll(tested.fs, `${place}/${name}`), pattern(10, index));
      expect((await tested.fs.stat(`${place}/${name}`))?.sizeBytes).toBe(10);
      await tested.fs.removeFiles(place, [name]);
      expect(await tested.fs.list(place)).toEqual(["_metadata"]);
      await tested.fs.removeTree(place);
    }
    expect(await tested.fs.list(directory)).toEqual([]);
  });
}

export async function readAll(fs: FileSystem, path: string): Promise<Uint8Array> {
  const file = await fs.open(path);
  const bytes = new Uint8Array(file.sizeBytes);
  for (let position = 0; position < bytes.length; ) {
    position += await file.read(bytes.subarray(position, position + 4 * 2 ** 20), position);
  }
  await file.close();
  return bytes;
}

/** `toEqual` takes minutes for megabytes. */
export function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** Bytes that are nowhere the same for long. */
export function pattern(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0, state = seed + 1; index < sizeBytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

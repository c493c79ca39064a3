import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileSystemError, type LocalFs } from "./platform.ts";
import { CONTRACT_HOSTS, type ContractHost } from "./testdata/contract-hosts.ts";

describe.each(CONTRACT_HOSTS)("file system contract: $name", ({ start }) => {
  let host: ContractHost;
  let fs: LocalFs;
  const at = (...names: string[]): string => fs.resolve(host.directory, ...names);
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

  beforeEach(async () => {
    host = await start();
    fs = host.platform.fs;
  });
  afterEach(() => host.close());

  const put = async (path: string, text: string): Promise<void> => {
    const file = await fs.open(path, "create");
    await file.write(ascii(text), 0);
    await file.sync();
    await file.close();
  };

  const get = async (path: string): Promise<string> => {
    const file = await fs.open(path, "read");
    const bytes = new Uint8Array(await file.sizeBytes());
    expect(await file.read(bytes, 0)).toBe(bytes.length);
    await file.close();
    return new TextDecoder().decode(bytes);
  };

  const errnoOf = async (action: () => Promise<unknown>): Promise<string> => {
    try {
      await host.run(action);
    } catch (error) {
      if (error instanceof FileSystemError) return error.errno;
      throw error;
    }
    return "none";
  };

  test("what was written is read, and create starts from scratch", async () => {
    await host.run(() => put(at("a"), "a longer text"));
    await host.run(() => put(at("a"), "short"));
    expect(await host.run(() => get(at("a")))).toBe("short");
  });

  test("an error names the errno, the operation and the path", async () => {
    const failing = host.run(() => fs.open(at("missing"), "read"));
    await expect(failing).rejects.toThrow(FileSystemError);
    await expect(failing).rejects.toMatchObject({
      name: "FileSystemError",
      errno: "ENOENT",
      path: at("missing"),
      message: `ENOENT: open ${at("missing")}`,
    });
  });

  test("each open mode asks for what it needs", async () => {
    await host.run(() => put(at("file"), "x"));
    await host.run(() => fs.makeDirectory(at("directory")));
    const open = (name: string, mode: Parameters<LocalFs["open"]>[1]) =>
      errnoOf(() => fs.open(at(name), mode).then((file) => file.close()));
    expect(await open("none", "read")).toBe("ENOENT");
    expect(await open("none", "update")).toBe("ENOENT");
    expect(await open("none/file", "create")).toBe("ENOENT");
    expect(await open("file/below", "create")).toBe("ENOTDIR");
    expect(await open("file", "createNew")).toBe("EEXIST");
    expect(await open("directory", "create")).toBe("EISDIR");
    expect(await open("directory", "createNew")).toBe("EEXIST");
    expect(await open("directory", "update")).toBe("EISDIR");
    expect(await open("new", "createNew")).toBe("none");
    expect(await open("file", "update")).toBe("none");
    expect(await open("a\0b", "create")).toBe("EINVAL");
    expect(await open("n".repeat(256), "create")).toBe("ENAMETOOLONG");
    expect(await open("n".repeat(255), "create")).toBe("none");
  });

  test("a directory cannot be read like a file", async () => {
    // Whether opening it fails already is left to the system.
    const read = async (): Promise<number> => {
      const directory = await fs.open(at(), "read");
      try {
        return await directory.read(new Uint8Array(1), 0);
      } finally {
        await directory.close();
      }
    };
    expect(await errnoOf(read)).toBe("EISDIR");
  });

  test("update changes in place; update and read see the same bytes", async () => {
    await host.run(async () => {
      await put(at("a"), "abcdef");
      const file = await fs.open(at("a"), "update");
      await file.write(ascii("XY"), 2);
      const bytes = new Uint8Array(3);
      expect(await file.read(bytes, 1)).toBe(3);
      expect(new TextDecoder().decode(bytes)).toBe("bXY");
      await file.close();
      expect(await get(at("a"))).toBe("abXYef");
    });
  });

  test("a mode forbids what it does not say", async () => {
    await host.run(() => put(at("a"), "abc"));
    const reading = await host.run(() => fs.open(at("a"), "read"));
    expect(await errnoOf(() => reading.write(ascii("x"), 0))).toBe("EBADF");
    expect(await errnoOf(() => reading.truncate(0))).toBe("EINVAL");
    await host.run(() => reading.close());
    const writing = await host.run(() => fs.open(at("b"), "create"));
    expect(await errnoOf(() => writing.read(new Uint8Array(1), 0))).toBe("EBADF");
    await host.run(() => writing.close());
  });

  test("a read stops at the end of the file, and past the end reads nothing", async () => {
    await host.run(async () => {
      await put(at("a"), "abc");
      const file = await fs.open(at("a"), "read");
      const target = new Uint8Array(5).fill(0xee);
      expect(await file.read(target, 1)).toBe(2);
      expect([...target]).toEqual([0x62, 0x63, 0xee, 0xee, 0xee]);
      expect(await file.read(target, 3)).toBe(0);
      expect(await file.read(target, 1_000_000)).toBe(0);
      expect(await file.read(new Uint8Array(0), 0)).toBe(0);
      await file.close();
    });
  });

  test("a write past the end leaves zeros in between; an empty one changes nothing", async () => {
    await host.run(async () => {
      const file = await fs.open(at("a"), "create");
      await file.write(ascii("z"), 3);
      await file.write(new Uint8Array(0), 100);
      expect(await file.sizeBytes()).toBe(4);
      await file.close();
      expect(await get(at("a"))).toBe("\0\0\0z");
    });
  });

  test("truncate shortens, and lengthens with zeros", async () => {
    await host.run(async () => {
      await put(at("a"), "abcdef");
      const file = await fs.open(at("a"), "update");
      await file.truncate(2);
      expect(await file.sizeBytes()).toBe(2);
      await file.truncate(4);
      await file.close();
      expect(await get(at("a"))).toBe("ab\0\0");
    });
  });

  test("large transfers arrive whole, and overlapping calls do not mix", async () => {
    await host.run(async () => {
      const parts = [0, 1, 2, 3].map((part) => new Uint8Array(300_000).fill(part + 1));
      const file = await fs.open(at("a"), "createNew");
      await Promise.all(parts.map((bytes, part) => file.write(bytes, part * bytes.length)));
      await file.sync();
      await file.close();
      const again = await fs.open(at("a"), "read");
      const bytes = new Uint8Array(1_200_000);
      expect(await again.read(bytes, 0)).toBe(1_200_000);
      await again.close();
      for (const [part, expected] of parts.entries()) {
        expect(Buffer.compare(bytes.subarray(part * 300_000, (part + 1) * 300_000), expected)).toBe(0);
      }
    });
  });

  test("a position that is no integer from 0 is refused before anything happens", async () => {
    const file = await host.run(() => fs.open(at("a"), "create"));
    for (const position of [-1, 0.5, Number.NaN, 2 ** 60]) {
      await expect((async () => file.write(ascii("x"), position))()).rejects.toThrow("invariant");
      await expect((async () => file.read(new Uint8Array(1), position))()).rejects.toThrow("invariant");
      await expect((async () => file.truncate(position))()).rejects.toThrow("invariant");
    }
    expect(await host.run(() => file.sizeBytes())).toBe(0);
    await host.run(() => file.close());
  });

  test("a closed file refuses everything except being closed again", async () => {
    const file = await host.run(() => fs.open(at("a"), "create"));
    await host.run(() => file.close());
    expect(await errnoOf(() => file.write(ascii("x"), 0))).toBe("EBADF");
    expect(await errnoOf(() => file.read(new Uint8Array(1), 0))).toBe("EBADF");
    expect(await errnoOf(() => file.sync())).toBe("EBADF");
    expect(await errnoOf(() => file.truncate(0))).toBe("EBADF");
    expect(await errnoOf(() => file.sizeBytes())).toBe("EBADF");
    expect(await errnoOf(() => file.close())).toBe("none");
  });

  test("rename replaces a file at once, and an open file stays what it was", async () => {
    await host.run(async () => {
      await put(at("old"), "old contents");
      await put(at("new"), "new contents");
      const open = await fs.open(at("old"), "read");
      await fs.rename(at("new"), at("old"));
      expect(await get(at("old"))).toBe("new contents");
      expect(await fs.stat(at("new"))).toBeUndefined();
      const bytes = new Uint8Array(3);
      await open.read(bytes, 0);
      await open.close();
      expect(new TextDecoder().decode(bytes)).toBe("old");
      await fs.rename(at("old"), at("old"));
      expect(await get(at("old"))).toBe("new contents");
    });
  });

  test("at every moment of a rename the target has its old or its new contents", async () => {
    await host.run(async () => {
      await put(at("target"), "old");
      await put(at("source"), "new");
      const renaming = fs.rename(at("source"), at("target"));
      const seen = await Promise.all(Array.from({ length: 10 }, () => get(at("target"))));
      await renaming;
      expect(seen.filter((text) => text !== "old" && text !== "new")).toEqual([]);
      expect(await get(at("target"))).toBe("new");
    });
  });

  test("directories move with what they hold, and names that clash are refused", async () => {
    await host.run(async () => {
      await fs.makeDirectory(at("d/sub"));
      await put(at("d/sub/file"), "x");
      await fs.makeDirectory(at("full/sub"));
      await put(at("file"), "f");
      await fs.rename(at("d"), at("moved"));
      expect(await get(at("moved/sub/file"))).toBe("x");
    });
    expect(await errnoOf(() => fs.rename(at("none"), at("x")))).toBe("ENOENT");
    expect(await errnoOf(() => fs.rename(at("file"), at("none/x")))).toBe("ENOENT");
    expect(await errnoOf(() => fs.rename(at("file"), at("moved")))).toBe("EISDIR");
    expect(await errnoOf(() => fs.rename(at("moved"), at("file")))).toBe("ENOTDIR");
    expect(await errnoOf(() => fs.rename(at("moved"), at("full")))).toBe("ENOTEMPTY");
    expect(await errnoOf(() => fs.rename(at("moved"), at("moved/sub/inside")))).toBe("EINVAL");
  });

  test("remove takes files only, and a missing one is no error", async () => {
    await host.run(() => fs.makeDirectory(at("d")));
    await host.run(() => put(at("f"), "x"));
    expect(await errnoOf(() => fs.remove(at("d")))).toBe("EISDIR");
    expect(await errnoOf(() => fs.remove(at("none")))).toBe("none");
    expect(await errnoOf(() => fs.remove(at("none/below")))).toBe("none");
    expect(await errnoOf(() => fs.remove(at("f/below")))).toBe("ENOTDIR");
    expect(await errnoOf(() => fs.remove(at("f")))).toBe("none");
    expect(await host.run(() => fs.list(at()))).toEqual(["d"]);
  });

  test("a removed file can be read and written while it is open", async () => {
    await host.run(async () => {
      await put(at("a"), "abc");
      const file = await fs.open(at("a"), "update");
      await fs.remove(at("a"));
      await file.write(ascii("d"), 3);
      expect(await file.sizeBytes()).toBe(4);
      await file.close();
      expect(await fs.stat(at("a"))).toBeUndefined();
    });
  });

  test("removeTree takes all below, and a missing directory is no error", async () => {
    await host.run(async () => {
      await fs.makeDirectory(at("d/e/f"));
      await put(at("d/e/f/file"), "x");
      await put(at("d/file"), "x");
      await fs.removeTree(at("d"));
      await fs.removeTree(at("d"));
      expect(await fs.list(at())).toEqual([]);
    });
  });

  test("makeDirectory makes parents, accepts what exists, and refuses a file in the way", async () => {
    await host.run(() => fs.makeDirectory(at("a/b/c")));
    await host.run(() => fs.makeDirectory(at("a/b/c")));
    await host.run(() => put(at("a/file"), "x"));
    expect(await host.run(() => fs.list(at("a")))).toEqual(["b", "file"]);
    expect(await errnoOf(() => fs.makeDirectory(at("a/file")))).toBe("EEXIST");
    expect(await errnoOf(() => fs.makeDirectory(at("a/file/below")))).toBe("ENOTDIR");
  });

  test("list is sorted by code unit and knows no other order", async () => {
    // U+FF5E is one code unit above the surrogates of U+1F600: by code point the two would be the other way round.
    const names = ["b", "a10", "a9", "B", "ä", "_", "\u{1f600}", "\uff5e", ".hidden"];
    await host.run(async () => {
      for (const name of names) await put(at(name), "");
    });
    const sorted = [".hidden", "B", "_", "a10", "a9", "b", "ä", "\u{1f600}", "\uff5e"];
    expect(await host.run(() => fs.list(at()))).toEqual(sorted);
    expect(await errnoOf(() => fs.list(at("none")))).toBe("ENOENT");
    expect(await errnoOf(() => fs.list(at("b")))).toBe("ENOTDIR");
  });

  test("stat tells kind, size and time, and undefined where nothing is", async () => {
    await host.run(async () => {
      await fs.makeDirectory(at("d"));
      await put(at("f"), "abc");
      const file = await fs.stat(at("f"));
      expect(file).toMatchObject({ kind: "file", sizeBytes: 3 });
      expect(Math.abs(file!.modifiedMs - host.platform.clock.wallMs())).toBeLessThan(60_000);
      expect((await fs.stat(at("d")))?.kind).toBe("directory");
      expect(await fs.stat(at("none"))).toBeUndefined();
      expect(await fs.stat(at("none/below"))).toBeUndefined();
      expect(await fs.stat(at("f/below"))).toBeUndefined();
    });
  });

  test("syncDirectory takes directories only", async () => {
    await host.run(() => put(at("f"), "x"));
    expect(await errnoOf(() => fs.syncDirectory(at()))).toBe("none");
    expect(await errnoOf(() => fs.syncDirectory(at("none")))).toBe("ENOENT");
    expect(await errnoOf(() => fs.syncDirectory(at("f")))).toBe("ENOTDIR");
  });

  test("free space is a count of bytes, for existing paths", async () => {
    const freeBytes = await host.run(() => fs.freeBytes(at()));
    expect(Number.isSafeInteger(freeBytes) && freeBytes > 0).toBe(true);
    expect(await errnoOf(() => fs.freeBytes(at("none")))).toBe("ENOENT");
  });

  test("resolve gives absolute, normalized paths", () => {
    expect(fs.resolve("/a/b", "../c", "./d/")).toBe("/a/c/d");
    expect(fs.resolve("/a", "/b")).toBe("/b");
    expect(fs.resolve("relative")).toMatch(/^\/.*relative$/);
  });
});

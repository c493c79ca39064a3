import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cachedFilesType } from "./cached-files.ts";

describe("F31: the distributed cache in a configuration", () => {
  it("is written as Flink writes it", () => {
    expect(
      cachedFilesType.parse("name:file1,path:'file:///tmp/file1';name:file2,path:data/b.csv,executable:true"),
    ).toEqual({
      ok: true,
      value: [
        { name: "file1", path: "file:///tmp/file1" },
        { name: "file2", path: "data/b.csv" },
      ],
    });
  });

  it("reads back whatever it writes", () => {
    const text = fc.string({ minLength: 1 }).filter((value) => value.trim() === value);
    const files = fc.uniqueArray(fc.record({ name: text, path: text }), { selector: ({ name }) => name, minLength: 1 });
    fc.assert(
      fc.property(files, (value) => {
        expect(cachedFilesType.parse(cachedFilesType.format(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it.each(["name:a", "path:b", "name:a,path:b;name:a,path:c", "name:,path:b", "size:3,name:a,path:b", 7])(
    "refuses %j",
    (raw) => {
      expect(cachedFilesType.parse(raw).ok).toBe(false);
    },
  );
});

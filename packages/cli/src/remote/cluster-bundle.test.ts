import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleForCluster } from "./cluster-bundle.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-bundle-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return join(directory, "job.ts");
}

const pack = (name: string, text: string, more: object = {}): Readonly<Record<string, string>> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, main: "index.js", ...more }),
  [`node_modules/${name}/index.js`]: text,
});

async function bundled(path: string): Promise<{ text: string; nativePackages: readonly string[]; hash: string }> {
  const { code, nativePackages, hash } = await bundleForCluster(path);
  return { text: new TextDecoder().decode(code), nativePackages, hash };
}

/** What still has to be found where the file runs. */
function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/^import .*?from "([^"]+)"/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== "node:module");
}

describe("S50: the one file that a job is for a cluster", () => {
  test("has the job's own modules and its packages in it, and imports the engine and Node's modules", async () => {
    const path = await write({
      "job.ts": `import { t } from "millrace";
import { FileSink } from "@millrace/connector-files";
import { readFileSync } from "node:fs";
import { double } from "./double.ts";
import triple from "triple";
export default () => [t, FileSink, readFileSync, double(2), triple(3)];`,
      "double.ts": "export const double = (n: number): number => n * 2;",
      ...pack("triple", 'const path = require("path"); module.exports = (n) => n * 3 + path.sep.length;'),
    });
    const { text, nativePackages } = await bundled(path);
    expect([...importsOf(text)].sort()).toEqual(["@millrace/connector-files", "millrace", "node:fs"]);
    expect(text).toContain("n * 3");
    expect(nativePackages).toEqual([]);
  });

  test("leaves packages with native code out, however they find it, and says which", async () => {
    const path = await write({
      "job.ts": `import direct from "direct";
import bound from "bound";
import napi from "@scope/napi";
import wraps from "wraps";
export default () => [direct, bound, napi, wraps];`,
      ...pack("direct", 'module.exports = require("./build/direct.node");'),
      "node_modules/direct/build/direct.node": "\0binary",
      ...pack("bindings", "module.exports = () => 1;"),
      ...pack("bound", 'module.exports = require("bindings")("bound");'),
      ...pack("@scope/napi-linux", "", { main: "napi.node" }),
      "node_modules/@scope/napi-linux/napi.node": "\0binary",
      ...pack("@scope/napi", 'module.exports = require("@scope/napi-linux");'),
      ...pack("wraps", 'module.exports = { direct: require("direct"), of: "wraps" };'),
    });
    const { text, nativePackages } = await bundled(path);
    expect(nativePackages).toEqual(["@scope/napi", "bound", "direct"]);
    expect([...importsOf(text)].sort()).toEqual(["@scope/napi", "bound", "direct"]);
    expect(text).toContain('of: "wraps"');
    expect(text).not.toContain("binary");
  });

  test("has a source map in it that names the files where they are, without their text", async () => {
    const path = await write({ "job.ts": "interface Unused { a: 1 }\n\nexport default (): void => {};\n" });
    const { text } = await bundled(path);
    const map = JSON.parse(
      Buffer.from(/sourceMappingURL=data:application\/json;base64,(\S+)/.exec(text)![1]!, "base64").toString(),
    ) as { readonly sources: readonly string[]; readonly sourcesContent?: unknown };
    expect(map.sources).toEqual([`file://${path}`]);
    expect(map.sourcesContent).toBeUndefined();
  });

  test("is the same for the same files, and has another hash when one of them differs", async () => {
    const files = { "job.ts": 'import { n } from "./n.ts";\nexport default () => n;', "n.ts": "export const n = 1;" };
    const first = await bundled(await write(files));
    expect((await bundled(await write(files))).hash).toBe(first.hash);
    expect((await bundled(await write({ ...files, "n.ts": "export const n = 2;" }))).hash).not.toBe(first.hash);
  });

  test("cannot be made of a script, of nothing, of what does not compile, or of native files of the job's own", async () => {
    await expect(bundled(await write({ "job.ts": "export const n = 1;" }))).rejects.toThrow(/MR_TARGET_NEEDS_MODULE/);
    await expect(bundled(join(directory, "none.ts"))).rejects.toThrow(/MR_JOB_NOT_FOUND/);
    await expect(bundled(await write({ "job.ts": "export default () => {" }))).rejects.toThrow(
      /MR_JOB_INVALID.*job\.ts/s,
    );
    await expect(
      bundled(await write({ "job.ts": 'import x from "nowhere"; export default () => x;' })),
    ).rejects.toThrow(/MR_JOB_INVALID.*nowhere/s);
    const own = { "job.ts": 'import x from "./own.node"; export default () => x;', "own.node": "\0" };
    await expect(bundled(await write(own))).rejects.toThrow(/MR_JOB_INVALID.*native/s);
  });
});

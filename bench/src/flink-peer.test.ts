import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EngineOptions } from "./engine-options.ts";
import { type FlinkPeerOptions, prepareFlink, runFlink } from "./flink-peer.ts";

const RUN: EngineOptions = {
  job: "ds-session",
  events: 5000,
  seed: 7,
  eventsPerSecond: 1000,
  warm: 0.5,
  parallelism: 2,
  backend: "hashmap",
  target: "in-thread",
  checkpointIntervalMs: 250,
};

let folder: string;
let peer: FlinkPeerOptions;

// A peer of shell scripts: `java`, `mvn` and `run.sh` that note how they were called.
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flink-peer-test-"));
  const bin = join(folder, "bin");
  const peerDir = join(folder, "peer");
  await mkdir(bin);
  await mkdir(join(peerDir, "src"), { recursive: true });
  await symlink("/bin/bash", join(bin, "bash"));
  await script(join(bin, "java"), "exit 0");
  await script(
    join(bin, "mvn"),
    `for a in "$@"; do case "$a" in -Dout=*) out="\${a#-Dout=}";; esac; done
     /bin/mkdir -p "$out/lib"; echo jar > "$out/flink-peer-1.jar"; echo built >> ${folder}/builds`,
  );
  await writeFile(join(peerDir, "pom.xml"), "<project/>");
  await writeFile(join(peerDir, "src", "Main.java"), "class Main {}");
  await runScript(
    peerDir,
    `echo starting; echo "{\\"query\\":\\"x\\",\\"out\\":\\"$OUT\\",\\"heap\\":\\"$HEAP\\",\\"args\\":\\"$*\\"}"`,
  );
  peer = { peerDir, cacheDir: join(folder, "cache"), heap: "1g", env: { PATH: bin } };
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/bash\n${body}\n`);
  await chmod(path, 0o755);
}

function runScript(peerDir: string, body: string): Promise<void> {
  return script(join(peerDir, "run.sh"), body);
}

async function buildCount(): Promise<number> {
  const log = join(folder, "builds");
  return existsSync(log) ? (await readFile(log, "utf8")).trim().split("\n").length : 0;
}

test("a run builds the peer once, hands its options over and returns the JSON line", async () => {
  const report = await runFlink({ ...RUN, rowsFile: "rows.txt" }, peer);
  await runFlink(RUN, peer);
  expect(await buildCount()).toBe(1);
  const builds = await readdir(peer.cacheDir);
  expect(report).toEqual({
    query: "x",
    out: join(peer.cacheDir, builds[0]!),
    heap: "1g",
    args:
      "--query ds-session --events 5000 --eps 1000 --seed 7 --warm 0.5 --parallelism 2 --backend hashmap " +
      "--checkpoint-interval 250 --sink rows:rows.txt",
  });
});

test("a peer whose sources changed is built again", async () => {
  await prepareFlink(peer);
  await writeFile(join(peer.peerDir, "src", "Main.java"), "class Main { int changed; }");
  await prepareFlink(peer);
  expect(await buildCount()).toBe(2);
});

test("a finished build that was named is used as it is, and a folder that is none is refused", async () => {
  const buildDir = await prepareFlink(peer);
  expect(await prepareFlink({ ...peer, buildDir })).toBe(buildDir);
  expect(await buildCount()).toBe(1);
  await expect(prepareFlink({ ...peer, buildDir: folder })).rejects.toMatchObject({ code: "MR_BENCH_FLINK_MISSING" });
});

test.each([
  ["the peer", "pom.xml in"],
  ["java", "no program java on the PATH"],
  ["mvn", "no program mvn on the PATH"],
])("without %s MR_BENCH_FLINK_MISSING names what is missing", async (name, found) => {
  if (name === "the peer") await rm(peer.peerDir, { recursive: true });
  else await rm(join(folder, "bin", name));
  const failure = expect(runFlink(RUN, peer)).rejects;
  await failure.toMatchObject({ code: "MR_BENCH_FLINK_MISSING", message: expect.stringContaining(found) });
});

test("a build that fails leaves nothing behind that looks like a build", async () => {
  await script(join(folder, "bin", "mvn"), "exit 1");
  await expect(runFlink(RUN, peer)).rejects.toMatchObject({ code: "MR_BENCH_FLINK_BUILD_FAILED" });
  expect(await readdir(peer.cacheDir)).toEqual([]);
});

test.each([
  ["fails", "exit 3", "exit code 3"],
  ["says nothing", "exit 0", "exit code 0"],
  ["is cut off", `echo '{"query":'`, "exit code 0"],
])("a run that %s is MR_BENCH_ENGINE_FAILED", async (_, body, found) => {
  await runScript(peer.peerDir, body);
  await expect(runFlink(RUN, peer)).rejects.toMatchObject({ code: "MR_BENCH_ENGINE_FAILED", found });
});

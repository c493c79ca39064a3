/**
 * Compiles the addon with the system's C++ compiler against the system's librocksdb and the headers of this Node.js.
 * Nothing is downloaded. The result is build/<platform>-<arch>/millrace-rocksdb.node.
 *
 *     npm run build:native
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const INSTALL = "apt-get install librocksdb-dev g++   (Debian, Ubuntu; elsewhere: RocksDB 7 or newer with its headers)";

const native = dirname(fileURLToPath(import.meta.url));
const output = join(native, "..", "build", `${process.platform}-${process.arch}`, "millrace-rocksdb.node");
const sources = ["addon.cc", "store.cc", "store.h", "packed.h", "build.mjs"].map((name) => join(native, name));

if (isUpToDate()) {
  console.log(`build:native: ${output} is up to date`);
} else {
  build();
}

function isUpToDate() {
  if (!existsSync(output) || process.argv.includes("--force")) return false;
  const builtMs = statSync(output).mtimeMs;
  return sources.every((source) => statSync(source).mtimeMs < builtMs);
}

function build() {
  mkdirSync(dirname(output), { recursive: true });
  // Under another name first: a process that has the old one loaded keeps it.
  const unfinished = `${output}.${process.pid}`;
  const compiled = spawnSync(process.env.CXX ?? "g++", [...flags(), "-o", unfinished], { stdio: "inherit" });
  if (compiled.error !== undefined) fail(`cannot run the compiler: ${compiled.error.message}`);
  if (compiled.status !== 0) fail(`the compiler ended with ${compiled.status ?? compiled.signal}`);
  renameSync(unfinished, output);
  console.log(`build:native: ${output}`);
}

function flags() {
  const platformFlags =
    process.platform === "darwin"
      ? ["-undefined", "dynamic_lookup"]
      : // The library's threads outlive a worker thread: it must stay mapped when the worker's copy of the addon is closed.
        ["-Wl,-z,nodelete"];
  return [
    ...["-std=c++17", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror=return-type", "-fvisibility=hidden"],
    ...["-isystem", nodeHeaders()],
    ...["addon.cc", "store.cc"].map((name) => join(native, name)),
    ...platformFlags,
    "-lrocksdb",
  ];
}

function nodeHeaders() {
  const roots = [
    process.env.npm_config_nodedir,
    process.config.variables.nodedir,
    process.config.variables.node_prefix,
    join(dirname(process.execPath), ".."),
    "/usr",
  ];
  for (const root of roots) {
    if (typeof root !== "string") continue;
    for (const folder of ["include/node", "src"]) {
      if (existsSync(join(root, folder, "node_api.h"))) return join(root, folder);
    }
  }
  return fail(`no node_api.h near ${process.execPath}: install the headers of Node.js, or set npm_config_nodedir`);
}

function fail(problem) {
  console.error(`build:native: ${problem}\nIt needs: ${INSTALL}`);
  process.exit(1);
}

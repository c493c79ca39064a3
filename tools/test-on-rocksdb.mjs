/**
 * The tests with the other state backend: jobs keep their state in sorted stores unless they say otherwise, and 16 entries of
 * an operator in memory. In-process tests have the reference store on their simulated disk; what runs the build has RocksDB
 * (`npm run build:native`).
 *
 *     npm run test:rocksdb [-- options and paths of vitest]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const preload = new URL("stored-state-build.mjs", import.meta.url).href;

// The preload is a part of the build.
const build = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
if (build.status !== 0) process.exit(build.status ?? 1);

const { status } = spawnSync("npx", ["vitest", "run", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    MILLRACE_TEST_STATE: "rocksdb",
    NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import ${preload}`.trim(),
  },
});
process.exitCode = status ?? 1;

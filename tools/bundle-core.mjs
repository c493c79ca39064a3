/**
 * Makes a few files of the engine's many: a job's command and each of its threads load the engine when they start, and
 * a thousand small reads cost more than running a small job. Run after `tsc -b`; declarations stay as they are.
 *
 * The entries share chunks, so that a class exists once whatever a program imports. Everything is in one folder at the
 * depth of the rooms, because the engine finds its threads' first modules relative to itself.
 */
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = fileURLToPath(new URL("../packages/core/dist/", import.meta.url));
const entries = [
  "index",
  "internal",
  "slot-thread",
  "job-trial-thread",
  "testing/index",
  "state-processor/index",
  "platform/node-worker-thread",
];

await rm(`${dist}bundle`, { recursive: true, force: true });
await build({
  entryPoints: Object.fromEntries(
    entries.map((entry) => [
      entry
        .replace(/\/index$/, "")
        .split("/")
        .at(-1),
      `${dist}${entry}.js`,
    ]),
  ),
  outdir: `${dist}bundle`,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
});

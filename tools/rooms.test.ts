import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryTree } from "./temporary-tree.ts";

const repository = join(import.meta.dirname, "..");
const core = "packages/core/src";

/** A tree in which every room has a file and every import goes down; the violations are planted on top of it. */
const clean: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ devDependencies: { "dev-thing": "1.0.0" } }),
  "packages/core/package.json": JSON.stringify({
    name: "millrace",
    dependencies: { declared: "1.0.0" },
    devDependencies: { "dev-thing": "1.0.0" },
  }),
  "packages/kafka/package.json": JSON.stringify({ name: "kafka", dependencies: { declared: "1.0.0" } }),
  "packages/kafka/src/source.ts": 'import { declared } from "declared";\nexport const kafka = declared;\n',
  "node_modules/dev-thing/package.json": JSON.stringify({ name: "dev-thing", version: "1.0.0", main: "index.js" }),
  "node_modules/dev-thing/index.js": "exports.thing = 1;\n",
  "node_modules/declared/package.json": JSON.stringify({ name: "declared", version: "1.0.0", main: "index.js" }),
  "node_modules/declared/index.js": "exports.declared = 1;\n",
  "tsconfig.base.json": readFileSync(join(repository, "tsconfig.base.json"), "utf8"),
  [`${core}/base/ids.ts`]: "export const id = 1;\n",
  [`${core}/metrics/meter.ts`]: 'import { id } from "../base/ids.ts";\nexport const meter = id;\n',
  [`${core}/platform/clock.ts`]: 'import { hrtime } from "node:process";\nexport const clock = hrtime;\n',
  [`${core}/state/table.ts`]: 'import type { meter } from "../metrics/meter.ts";\nexport type Table = typeof meter;\n',
  [`${core}/api/stream.ts`]: 'import { id } from "../base/ids.ts";\nexport const stream = id;\n',
  [`${core}/testing/harness.ts`]: 'import { stream } from "../api/stream.ts";\nexport const harness = stream;\n',
  [`${core}/index.ts`]: 'export { stream } from "./api/stream.ts";\n',
  [`${core}/state/table.test.ts`]:
    'import "node:fs";\nimport { harness } from "../testing/harness.ts";\nimport { stream } from "../api/stream.ts";\n' +
    'import { thing } from "dev-thing";\nexport const used = [harness, stream, thing];\n',
  "bench/loop.ts": 'import { stream } from "../packages/core/src/index.ts";\nexport const loop = stream;\n',
};

interface Planted {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

const planted: readonly Planted[] = [
  {
    rule: "downward-only:2:config,metrics,platform",
    file: `${core}/config/up.ts`,
    text: 'import { stream } from "../api/stream.ts";\nexport const up = stream;\n',
  },
  {
    rule: "downward-only:3:types,time",
    file: `${core}/types/up-by-type.ts`,
    text: 'import type { Table } from "../state/table.ts";\nexport type Up = Table;\n',
  },
  {
    rule: "no-sideways:config,metrics,platform",
    file: `${core}/config/sideways.ts`,
    text: 'import { meter } from "../metrics/meter.ts";\nexport const sideways = meter;\n',
  },
  {
    rule: "room-is-known",
    file: `${core}/helpers/misc.ts`,
    text: 'import { id } from "../base/ids.ts";\nexport const misc = id;\n',
  },
  {
    rule: "entry-is-above-all",
    file: `${core}/embedded/from-entry.ts`,
    text: 'import { stream } from "../index.ts";\nexport const fromEntry = stream;\n',
  },
  {
    rule: "jobmanager-never-sees-records",
    file: `${core}/jobmanager/sees-records.ts`,
    text: 'import type { Table } from "../state/table.ts";\nexport type Seen = Table;\n',
  },
  {
    rule: "host-only-through-platform",
    file: `${core}/time/reads-host.ts`,
    text: 'import { readFileSync } from "node:fs";\nexport const read = readFileSync;\n',
  },
  {
    rule: "testing-only-from-tests",
    file: `${core}/api/uses-harness.ts`,
    text: 'import { harness } from "../testing/harness.ts";\nexport const used = harness;\n',
  },
  {
    rule: "bench-and-tests-are-not-imported",
    file: "packages/kafka/src/uses-bench.ts",
    text: 'import { loop } from "../../../bench/loop.ts";\nexport const used = loop;\n',
  },
  {
    rule: "core-has-no-third-party-code",
    file: `${core}/state/third-party.ts`,
    text: 'import { declared } from "declared";\nexport const used = declared;\n',
  },
  {
    rule: "no-undeclared-or-dev-dependency",
    file: "packages/kafka/src/undeclared.ts",
    text: 'import { thing } from "dev-thing";\nexport const used = thing;\n',
  },
  {
    rule: "resolvable",
    file: `${core}/base/leads-nowhere.ts`,
    text: 'import { gone } from "./gone.ts";\nexport const used = gone;\n',
  },
  {
    rule: "no-cycle",
    file: `${core}/base/first.ts`,
    text: 'import { second } from "./second.ts";\nexport const first = () => second;\n',
  },
];

const otherHalfOfCycle = {
  [`${core}/base/second.ts`]: 'import { first } from "./first.ts";\nexport const second = () => first;\n',
};

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

function violationsOf(files: Readonly<Record<string, string>>): readonly Violation[] {
  const depcruise = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const config = join(repository, ".dependency-cruiser.mjs");
  const run = spawnSync(
    process.execPath,
    [depcruise, "--config", config, "--output-type", "json", "packages", "bench"],
    {
      cwd: temporaryTree(files),
      encoding: "utf8",
    },
  );
  expect(run.stderr).toBe("");
  return (JSON.parse(run.stdout) as { summary: { violations: Violation[] } }).summary.violations;
}

test("a tree whose imports all go down passes, tests included", () => {
  expect(violationsOf(clean)).toEqual([]);
});

test("every wall reports the file that climbs over it", () => {
  const files = Object.fromEntries(planted.map(({ file, text }) => [file, text]));
  const violations = violationsOf({ ...clean, ...files, ...otherHalfOfCycle });
  for (const { rule, file } of planted) {
    expect(violations, `${rule} on ${file}`).toContainEqual(
      expect.objectContaining({ from: file, rule: expect.objectContaining({ name: rule }) }),
    );
  }
  const innocent = Object.keys(clean);
  expect(violations.filter(({ from }) => innocent.includes(from))).toEqual([]);
});

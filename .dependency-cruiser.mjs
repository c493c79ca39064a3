/**
 * The rooms of packages/core/src as a rule: a room imports from lower levels only, never sideways, never up.
 * Type imports count. A new room or a new arrow is a decision record (docs/decisions), not an edit here.
 */
const levels = [
  ["base"],
  ["kv"],
  ["config", "metrics", "platform"],
  ["types", "time"],
  ["state", "exchange", "rpc"],
  ["checkpoint", "connectors"],
  ["operators"],
  ["graph", "codegen", "state-processor"],
  ["api", "task"],
  ["taskmanager", "jobmanager"],
  ["deployment"],
  ["embedded", "cluster"],
];

const core = "^packages/core/src/";
const test = "\\.test\\.ts$";
const testing = `${core}testing/`;
const rooms = (names) => `${core}(${names.join("|")})/`;

/** What makes streams, and what streams make. */
const streams = `${core}api/([a-z-]+-streams?|add-operator)\\.ts$`;

/** Tests may reach over the walls for fixtures: a test of one room may run it with its neighbours. */
const shipped = { pathNot: test };

const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

const downwardOnly = levels
  .slice(0, -1)
  .map((names, level) =>
    forbid(
      `downward-only:${level}:${names.join(",")}`,
      "A room never imports from a higher level.",
      { path: rooms(names), ...shipped },
      { path: rooms(levels.slice(level + 1).flat()) },
    ),
  );

const noSideways = levels
  .filter((names) => names.length > 1)
  .map((names) =>
    forbid(
      `no-sideways:${names.join(",")}`,
      "Rooms of one level do not know each other.",
      { path: rooms(names), ...shipped },
      { path: rooms(names), pathNot: `${core}$1/` },
    ),
  );

export default {
  forbidden: [
    ...downwardOnly,
    ...noSideways,
    forbid(
      "room-is-known",
      "Every folder of core has a level in this file.",
      { path: core, pathNot: `${rooms([...levels.flat(), "testing"])}|${core}[^/]+\\.ts$` },
      {},
    ),
    forbid(
      "entry-is-above-all",
      "The package's entry files are above every room; nothing inside core imports them.",
      { path: `${core}[^/]+/`, ...shipped },
      { path: `${core}(index|internal)\\.ts$` },
    ),
    forbid(
      "jobmanager-never-sees-records",
      "The JobManager moves handles and messages, never records.",
      { path: rooms(["jobmanager"]), ...shipped },
      { path: rooms(["state", "exchange", "operators", "codegen", "api", "task"]) },
    ),
    forbid(
      "host-only-through-platform",
      "Only platform/ touches node:*, so that a cluster can run on a simulated clock, network and disk.",
      { path: `${core}(?!platform/)`, ...shipped },
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "testing-only-from-tests",
      "Test code is never part of what ships.",
      { path: "^(packages|examples)/", pathNot: `${test}|${testing}` },
      { path: `${test}|${testing}` },
    ),
    forbid(
      "bench-and-tests-are-not-imported",
      "Benchmarks and cluster tests are never imported by packages.",
      { path: "^packages/" },
      { path: "^(bench|tests)/" },
    ),
    forbid(
      "core-has-no-third-party-code",
      "Core has no dependencies; whatever needs one is a package of its own.",
      { path: core, ...shipped },
      { dependencyTypes: ["npm", "npm-optional", "npm-peer", "npm-bundled"] },
    ),
    forbid(
      "native-store-is-loaded-lazily",
      "Nothing needs RocksDB to be installed: whoever wants it loads the package when it is asked for.",
      { path: "^packages/(?!state-rocksdb/)", ...shipped },
      { path: "^packages/state-rocksdb/", dependencyTypesNot: ["dynamic-import"] },
    ),
    forbid(
      "file-systems-are-loaded-by-scheme",
      "Nothing needs another file system to be installed: decision 0023.",
      { path: "^packages/([^/]+)/", ...shipped },
      { path: "^packages/storage-", pathNot: "^packages/$1/" },
    ),
    forbid(
      "no-undeclared-or-dev-dependency",
      "What ships depends only on what its package.json declares.",
      { path: "^packages/[^/]+/src/", ...shipped },
      { dependencyTypes: ["npm-dev", "npm-no-pkg"] },
    ),
    forbid("resolvable", "An import that leads nowhere hides an arrow.", {}, { couldNotResolve: true }),
    forbid(
      "no-cycle",
      "A cycle has no order to be read in. The kinds of streams make each other: decision 0012.",
      { pathNot: streams },
      { circular: true },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/|/testdata/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@millrace/source", "import", "types", "default"],
    },
  },
};

import { defineConfig } from "vitest/config";

// Tests resolve workspace packages to their sources, so nothing needs to be built first.
const conditions = ["@millrace/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "bench/src/**/*.test.ts",
      "examples/**/*.test.ts",
      "tests/**/*.test.ts",
      "tools/**/*.test.ts",
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});

import { defineConfig } from "vitest/config";
import { NotRunReporter } from "./tools/not-run-reporter.ts";

/** Tests that start the command or threads run the build: from the sources each of them would be compiled anew. */
const fromBuild = ["tests/{airport-delays,cli,cluster,examples,kills,threads}/**/*.test.ts"];

/** The others resolve workspace packages to their sources. */
const conditions = ["@millrace/source"];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default", new NotRunReporter()],
    projects: [
      {
        extends: true,
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: "sources",
          setupFiles: ["tools/stored-state.ts"],
          include: [
            "packages/*/src/**/*.test.ts",
            "bench/src/**/*.test.ts",
            "examples/**/*.test.ts",
            "tests/**/*.test.ts",
            "tools/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", ...fromBuild],
        },
      },
      {
        extends: true,
        test: {
          name: "build",
          include: fromBuild,
          globalSetup: "tools/build-first.ts",
        },
      },
    ],
  },
});

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Reporter, TestModule } from "vitest/node";

/** What tests need that a machine may lack: how their paths begin, what they need, and how to have them run. */
const NEEDS = [
  {
    folder: "packages/state-rocksdb/",
    file: `packages/state-rocksdb/build/${process.platform}-${process.arch}/millrace-rocksdb.node`,
    todo: "apt-get install librocksdb-dev g++ && npm run build:native",
  },
  {
    folder: "bench/src/rocksdb-engine",
    file: `packages/state-rocksdb/build/${process.platform}-${process.arch}/millrace-rocksdb.node`,
    todo: "apt-get install librocksdb-dev g++ && npm run build:native",
  },
  {
    folder: "tests/storage/s3",
    file: ".servers/moto/bin/moto_server",
    todo: "tools/servers/install-moto.sh, which needs python3 with venv",
  },
  {
    folder: "tests/storage/hdfs",
    file: ".servers/hdfs",
    todo: "tools/servers/install-hdfs.sh, which needs java and mvn",
  },
];

/** Ends a run with the tests that did not run because the machine lacks something, and with what makes them run. */
export class NotRunReporter implements Reporter {
  readonly #hasFile: (path: string) => boolean;
  readonly #writeLine: (line: string) => void;

  constructor(
    hasFile: (path: string) => boolean = (path) => existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url))),
    writeLine: (line: string) => void = console.log,
  ) {
    this.#hasFile = hasFile;
    this.#writeLine = writeLine;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const { folder, file, todo } of NEEDS) {
      // What is left out by a filter of the command line is not missing anything.
      if (this.#hasFile(file)) continue;
      const skippedCount = modules
        .filter((module) => module.moduleId.includes(folder))
        .flatMap((module) => [...module.children.allTests("skipped")]).length;
      if (skippedCount > 0) this.#writeLine(`${skippedCount} tests of ${folder} did not run. To run them: ${todo}`);
    }
  }
}

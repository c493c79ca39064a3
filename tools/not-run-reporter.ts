import type { Reporter, TestModule } from "vitest/node";

/** What tests need that a machine may lack: where they are, and how to have them run. */
const NEEDS = [
  {
    folder: "packages/state-rocksdb/",
    todo: "apt-get install librocksdb-dev g++ && npm run build:native",
  },
];

/** Ends a run with the tests that did not run because the machine lacks something, and with what makes them run. */
export class NotRunReporter implements Reporter {
  readonly #writeLine: (line: string) => void;

  constructor(writeLine: (line: string) => void = console.log) {
    this.#writeLine = writeLine;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const { folder, todo } of NEEDS) {
      const skippedCount = modules
        .filter((module) => module.moduleId.includes(folder))
        .flatMap((module) => [...module.children.allTests("skipped")]).length;
      if (skippedCount > 0) this.#writeLine(`${skippedCount} tests of ${folder} did not run. To run them: ${todo}`);
    }
  }
}

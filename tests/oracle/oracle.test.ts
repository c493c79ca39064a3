/**
 * The same small programs in Flink and in Millrace give the same rows. Flink's are in `rows/`; README.md says how to make
 * them again.
 */
import { describe, expect, test } from "vitest";
import { flinkRows, type Program, runProgram } from "./oracle-job.ts";
import { cepPrograms } from "./programs/cep-programs.ts";
import { connectedPrograms } from "./programs/connected-programs.ts";
import { joinPrograms } from "./programs/join-programs.ts";
import { nexmarkPrograms } from "./programs/nexmark-programs.ts";
import { processPrograms } from "./programs/process-programs.ts";
import { rollingPrograms } from "./programs/rolling-programs.ts";
import { windowPrograms } from "./programs/window-programs.ts";

const programs: readonly Program[] = [
  ...windowPrograms,
  ...rollingPrograms,
  ...processPrograms,
  ...connectedPrograms,
  ...joinPrograms,
  ...nexmarkPrograms,
  ...cepPrograms,
];

describe("at parallelism 1 the rows are Flink's", () => {
  test.each(programs.map((program) => [program.name, program] as const))("%s", async (_name, program) => {
    expect(await runProgram(program, 1)).toEqual(flinkRows(program));
  });
});

describe("at parallelism 2 the rows are Flink's, where they do not depend on the order of keys", () => {
  const parallel = programs.filter((program) => program.order !== "total");
  test.each(parallel.map((program) => [program.name, program] as const))("%s", async (_name, program) => {
    expect(await runProgram(program, 2)).toEqual(flinkRows(program));
  });
});

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
import { countWindowPrograms, evictorPrograms, triggerPrograms } from "./programs/trigger-programs.ts";
import {
  assignerPrograms,
  customWindowPrograms,
  latenessPrograms,
  windowAllPrograms,
  windowFunctionPrograms,
} from "./programs/window-programs.ts";

type Run = readonly [name: string, parallelism: number, program: Program];

/** Each at parallelism 1 and, where its rows do not depend on the order of keys, at 2. */
function runsOf(programs: readonly Program[]): readonly Run[] {
  return programs.flatMap((program): Run[] => {
    const parallelisms = program.order === "total" ? [1] : [1, 2];
    return parallelisms.map((parallelism): Run => [program.name, parallelism, program]);
  });
}

async function givesFlinkRows(_name: string, parallelism: number, program: Program): Promise<void> {
  expect(await runProgram(program, parallelism)).toEqual(flinkRows(program));
}

describe("S20: tumbling, sliding and session windows have Flink's rows", () => {
  test.each(runsOf(assignerPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("S21: allowed lateness and the side output of late records give Flink's rows", () => {
  test.each(runsOf(latenessPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("S08: aggregate, reduce, apply, process and aggregations of a field over windows give Flink's rows", () => {
  test.each(runsOf(windowFunctionPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("S07: windowAll gives Flink's rows in Flink's order", () => {
  test.each(runsOf(windowAllPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("F03: count windows have Flink's rows", () => {
  test.each(runsOf(countWindowPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("F03: triggers, those of global windows and of the user's own making too, fire when Flink's do", () => {
  test.each(runsOf(triggerPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("F03: evictors leave the records that Flink's leave", () => {
  test.each(runsOf(evictorPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("F03: sessions of a dynamic gap and the state of a window give Flink's rows", () => {
  test.each(runsOf(customWindowPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("S05, S06: rolling reduce, sum, min, max, minBy and maxBy give Flink's rows", () => {
  test.each(runsOf(rollingPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("S10, S11: window joins, coGroup and interval joins give Flink's rows", () => {
  test.each(runsOf(joinPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("F34: patterns find Flink's matches", () => {
  test.each(runsOf(cepPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("functions with timers and state give Flink's rows", () => {
  test.each(runsOf(processPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("unions, connected and broadcast streams give Flink's rows", () => {
  test.each(runsOf(connectedPrograms))("%s at parallelism %i", givesFlinkRows);
});

describe("queries of an online auction give Flink's rows", () => {
  test.each(runsOf(nexmarkPrograms))("%s at parallelism %i", givesFlinkRows);
});

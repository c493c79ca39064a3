import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { committedLines, runAirportJob } from "../support/airport-run.ts";
import { writeFlightsBefore } from "../support/flights.ts";

let directory: string;
let input: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-parallelism-"));
  input = join(directory, "flights.parquet");
  await writeFlightsBefore("2001-01-15", input);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function rowsAt(parallelism: number): Promise<readonly string[]> {
  const output = join(directory, `p${parallelism}`);
  const exit = await runAirportJob({ output, input, parallelism, checkpointInterval: "200 ms" });
  expect(exit.code, exit.text).toBe(0);
  const rows: string[] = [];
  for (const sink of ["hourly", "sliding", "alerts"]) {
    for (const line of await committedLines(output, sink)) rows.push(`${sink} ${line}`);
  }
  return rows.sort();
}

test("parallelism 1, 2, 3 and 7 give the same rows", async () => {
  const expected = await rowsAt(1);
  expect(expected.length).toBeGreaterThan(100_000);
  for (const parallelism of [2, 3, 7]) {
    const rows = await rowsAt(parallelism);
    expect(rows.length, `parallelism ${parallelism}`).toBe(expected.length);
    expect(rows.findIndex((row, index) => row !== expected[index])).toBe(-1);
  }
}, 300_000);

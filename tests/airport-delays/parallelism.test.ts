import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { committedRows, runAirportJob } from "../support/airport-run.ts";
import { writeFlightsBefore } from "../support/flights.ts";

let directory: string;
let input: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-parallelism-"));
  input = join(directory, "flights.parquet");
  await writeFlightsBefore("2001-01-15", input);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function rowsAt(parallelism: number, target: "threads" | "in-thread"): Promise<readonly string[]> {
  const output = join(directory, `${target}-${parallelism}`);
  const exit = await runAirportJob({ output, input, parallelism, target, checkpointInterval: "200 ms" });
  expect(exit.code, exit.text).toBe(0);
  return committedRows(output);
}

test("every parallelism gives the same rows, with all slots in one thread and with one thread a slot", async () => {
  const expected = await rowsAt(1, "in-thread");
  expect(expected.length).toBeGreaterThan(100_000);
  for (const [parallelism, target] of [
    [1, "threads"],
    [2, "threads"],
    [2, "in-thread"],
    [4, "threads"],
    [4, "in-thread"],
    [7, "in-thread"],
  ] as const) {
    const rows = await rowsAt(parallelism, target);
    expect(rows.length, `${target} at parallelism ${parallelism}`).toBe(expected.length);
    expect(rows.findIndex((row, index) => row !== expected[index])).toBe(-1);
  }
}, 300_000);

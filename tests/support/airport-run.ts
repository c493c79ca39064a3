/** Runs the airport job, with what its sinks have written. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { committedLines, type ExampleExit, type ExampleRun, runExample, visibleFiles } from "./example-run.ts";

const sinks = ["hourly", "sliding", "alerts"];

export interface AirportRun extends Omit<ExampleRun, "args"> {
  readonly input?: string;
}

export function runAirportJob({ input, ...run }: AirportRun): Promise<ExampleExit> {
  return runExample("airport-delays", { ...run, ...(input === undefined ? {} : { args: ["--input", input] }) });
}

/** SHA-256 of every visible file of the sinks, by sink and name. */
export async function committedFiles(output: string): Promise<Readonly<Record<string, string>>> {
  const hashes: Record<string, string> = {};
  for (const sink of sinks) {
    for (const name of await visibleFiles(join(output, sink))) {
      hashes[`${sink}/${name}`] = createHash("sha256")
        .update(await readFile(join(output, sink, name)))
        .digest("hex");
    }
  }
  return hashes;
}

/** All rows of all sinks, each with the name of its sink, sorted. */
export async function committedRows(output: string): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const sink of sinks) {
    for (const line of await committedLines(output, sink)) rows.push(`${sink} ${line}`);
  }
  return rows.sort();
}

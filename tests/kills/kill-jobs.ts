/** The jobs whose processes are killed, and what they have written. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type JobName = "main" | "keyed";

export interface KillJob {
  readonly name: JobName;
  /** The file with its code. */
  readonly file: string;
  argsOf(output: string): readonly string[];
  /** Directories in its output, one a sink. */
  readonly sinks: readonly string[];
}

const airportDelays = new URL("../../examples/airport-delays/dist/job.js", import.meta.url).href;
export const exampleDirectory: string = fileURLToPath(new URL("../../examples/airport-delays/", import.meta.url));

/** Numbers by key and their sums; a part of every state is ballast, so that there is something to restore. */
const keyed = `
import { DataGeneratorSource, WatermarkStrategy, valueState } from "millrace";
import { FileSink, jsonLines } from "@millrace/connector-files";

class Sums {
  constructor(ballast) {
    this.ballast = ballast;
  }
  open(context) {
    this.state = context.getState(valueState("sum"));
  }
  processElement(n, context, out) {
    const before = this.state.value() ?? { count: 0, sum: 0, ballast: "x".repeat(this.ballast) };
    const after = { ...before, count: before.count + 1, sum: before.sum + n };
    this.state.update(after);
    out.collect({ key: context.currentKey, count: after.count, sum: after.sum });
  }
}

export default function sums(env, args) {
  const keys = args.number("keys");
  const rate = args.number("rate");
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, args.number("count"), { ratePerSecond: rate }),
      WatermarkStrategy.noWatermarks(),
      "numbers",
    )
    .uid("numbers")
    .keyBy((n) => n % keys)
    .process(new Sums(args.number("ballast")))
    .uid("sums")
    .sinkTo(FileSink.to(args.get("output") + "/sums", jsonLines()))
    .uid("rows");
}
`;

export interface KeyedSize {
  readonly count: number;
  readonly keys: number;
  readonly ratePerSecond: number;
  /** Of every key, in characters. */
  readonly ballast: number;
}

/** Writes the code of a job into a directory. */
export async function makeJob(name: JobName, directory: string, input: string, size: KeyedSize): Promise<KillJob> {
  const file = join(directory, `${name}.mjs`);
  if (name === "main") {
    await writeFile(file, `export { default } from ${JSON.stringify(airportDelays)};\n`);
    const argsOf = (output: string): readonly string[] => ["--input", input, "--output", output];
    return { name, file, argsOf, sinks: ["hourly", "sliding", "alerts"] };
  }
  await writeFile(file, keyed);
  const { count, keys, ratePerSecond, ballast } = size;
  const sizes = { count, keys, rate: ratePerSecond, ballast };
  const given = Object.entries(sizes).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return { name, file, argsOf: (output) => ["--output", output, ...given], sinks: ["sums"] };
}

export interface JobResult {
  readonly rows: number;
  /** SHA-256 of all committed rows of all sinks, sorted: at a parallelism above 1 their order means nothing. */
  readonly hash: string;
}

/** What its sinks have committed. */
export async function resultOf({ sinks }: KillJob, output: string): Promise<JobResult> {
  const rows: string[] = [];
  for (const sink of sinks) {
    for (const name of await readdir(join(output, sink))) {
      if (name.startsWith(".")) continue;
      const text = await readFile(join(output, sink, name), "utf8");
      for (const line of text.split("\n")) if (line !== "") rows.push(`${sink} ${line}`);
    }
  }
  rows.sort();
  const hash = createHash("sha256");
  for (const row of rows) hash.update(row).update("\n");
  return { rows: rows.length, hash: hash.digest("hex") };
}

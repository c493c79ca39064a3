import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { runFlink } from "../flink-peer.ts";
import { JOB_NAMES } from "../job-names.ts";
import { parseOptions } from "../options.ts";
import { DIGESTED_JOBS, digestRows, GOLDEN_EVENTS, goldenFile } from "./golden-rows.ts";

/** Runs every job on the Flink peer and replaces the golden rows. Takes the `--flink…` options of `bench`. @internal */
export async function makeGolden(args: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-golden-"));
  try {
    for (const job of JOB_NAMES) {
      const { run, flink } = parseOptions(["node", "make-golden", job, ...args], process.env);
      const rowsFile = join(folder, `${job}.txt`);
      const report = await runFlink({ ...run, ...GOLDEN_EVENTS, rowsFile }, flink);
      const text = await readFile(rowsFile, "utf8");
      const lines = text.trimEnd().split("\n");
      const content = DIGESTED_JOBS.includes(job)
        ? `${JSON.stringify(digestRows(lines))}\n`
        : gzipSync(text, { level: 9 });
      await writeFile(goldenFile(job), content);
      process.stderr.write(`${job}: ${report.rows} rows\n`);
    }
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

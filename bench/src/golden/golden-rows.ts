import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { JobName } from "../job-names.ts";

/**
 * The rows that Apache Flink gives for a job, kept small: jobs with few rows keep them all (`JOB.txt.gz`), the others
 * a digest per block of sorted lines (`JOB.digest.json`), which still tells where the first difference is.
 */

/** The events that golden rows are made from. @internal */
export const GOLDEN_EVENTS = { events: 100_000, seed: 1, eventsPerSecond: 1000 } as const;

/** Jobs whose compressed rows would be larger than all others together. @internal */
export const DIGESTED_JOBS: readonly JobName[] = ["ds-passthrough", "ds-keyed-sum", "ds-interval-join"];

/** @internal */
export interface RowsDigest {
  readonly rowCount: number;
  readonly sha256: string;
  readonly blockRows: number;
  /** Per block of `blockRows` sorted lines: the first line, and the start of the block's SHA-256. */
  readonly blocks: readonly (readonly [firstLine: string, sha256: string])[];
}

const BLOCK_ROWS = 1000;
const TESTDATA = new URL("./testdata/", import.meta.url);

/** @internal */
export function goldenFile(job: JobName): URL {
  return new URL(DIGESTED_JOBS.includes(job) ? `${job}.digest.json` : `${job}.txt.gz`, TESTDATA);
}

/** @internal */
export function digestRows(lines: readonly string[]): RowsDigest {
  const blocks: [string, string][] = [];
  for (let start = 0; start < lines.length; start += BLOCK_ROWS) {
    blocks.push([lines[start]!, sha256(lines.slice(start, start + BLOCK_ROWS)).slice(0, 16)]);
  }
  return { rowCount: lines.length, sha256: sha256(lines), blockRows: BLOCK_ROWS, blocks };
}

/**
 * Says where `lines`, sorted, first differ from the golden rows of `job`; undefined when they are equal.
 * @internal
 */
export function differenceFromGolden(job: JobName, lines: readonly string[]): string | undefined {
  const file = goldenFile(job);
  if (!existsSync(file)) return `there is no ${file.pathname}; make it with node bench/bin/make-golden.mjs`;
  const bytes = readFileSync(file);
  const place = DIGESTED_JOBS.includes(job)
    ? differenceFromDigest(JSON.parse(bytes.toString("utf8")) as RowsDigest, lines)
    : differenceFromLines(gunzipSync(bytes).toString("utf8").trimEnd().split("\n"), lines);
  return place === undefined ? undefined : `${job}: ${place}`;
}

function differenceFromLines(golden: readonly string[], lines: readonly string[]): string | undefined {
  const at = golden.findIndex((line, index) => lines[index] !== line);
  if (at < 0 && golden.length === lines.length) return undefined;
  const row = at < 0 ? golden.length : at;
  return `${counts(golden.length, lines.length)}; row ${row} is ${lines[row]}, Flink has ${golden[row]}`;
}

/** @internal */
export function differenceFromDigest(golden: RowsDigest, lines: readonly string[]): string | undefined {
  const found = digestRows(lines);
  if (found.sha256 === golden.sha256) return undefined;
  const at = golden.blocks.findIndex(([, digest], index) => found.blocks[index]?.[1] !== digest);
  const block = at < 0 ? golden.blocks.length : at;
  const from = `from row ${block * golden.blockRows} on, ${found.blocks[block]?.[0]}`;
  return `${counts(golden.rowCount, lines.length)}; the first difference is in the block ${from}, Flink's starts with ${golden.blocks[block]?.[0]}`;
}

function counts(golden: number, found: number): string {
  return `${found} rows, Flink has ${golden}`;
}

function sha256(lines: readonly string[]): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line).update("\n");
  return hash.digest("hex");
}

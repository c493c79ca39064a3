import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLOSE_SHARE, FLIGHTS_MIN, OPEN_SHARE, SILENCE_MS } from "../../examples/airport-delays/airport-alerts.ts";
import { runAirportJob } from "../support/airport-run.ts";
import { committedLines } from "../support/example-run.ts";
import { queryFlights } from "../support/flights.ts";

let output: string;

beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), "millrace-airport-"));
  const exit = await runAirportJob({ output });
  expect(exit.text).toContain("JFK");
  expect(exit.code).toBe(0);
}, 300_000);

afterAll(() => rm(output, { recursive: true, force: true }));

const measures =
  "count(*)::INT AS flights, sum(delay)::DOUBLE AS delay_sum, max(delay)::INT AS delay_max, sum((delay > 15)::INT)::INT AS delayed";
const hourlySql = `SELECT origin, epoch_ms(time_bucket(INTERVAL 1 HOUR, date))::DOUBLE AS start, ${measures} FROM flights GROUP BY ALL`;
const slidingSql = `
  SELECT origin, (quarter * 900000 - shift * 900000)::DOUBLE AS start, ${measures}
  FROM (SELECT *, epoch_ms(date) // 900000 AS quarter FROM flights), (SELECT unnest(range(12)) AS shift) GROUP BY ALL`;

const columns =
  "origin: 'VARCHAR', \"from\": 'DOUBLE', \"to\": 'DOUBLE', flights: 'INT', meanDelay: 'DOUBLE', maxDelay: 'INT', delayedShare: 'DOUBLE'";

/**
 * Compares inside DuckDB, for there are millions of windows: how many each side has, and the first ones that only one side
 * has. Sums are whole numbers and divided once, so the values are equal to the last bit.
 */
async function compareWindows(sink: string, sql: string, sizeMs: number): Promise<Record<string, unknown>> {
  const sides = `
    WITH expected AS (
      SELECT origin, start, start + ${sizeMs} AS stop, flights, delay_sum / flights AS mean, delay_max, delayed / flights AS share FROM (${sql})
    ), written AS (
      SELECT origin, "from", "to", flights, meanDelay, maxDelay, delayedShare
      FROM read_json('${join(output, sink)}/part-*.jsonl', format = 'newline_delimited', columns = {${columns}})
    )`;
  const rows = (query: string): Promise<readonly unknown[][]> => queryFlights(`${sides} ${query}`);
  const [counts] = await rows("SELECT (SELECT count(*)::INT FROM expected), (SELECT count(*)::INT FROM written)");
  return {
    expected: counts![0],
    written: counts![1],
    missing: await rows("SELECT * FROM (FROM expected EXCEPT ALL FROM written) LIMIT 3"),
    wrong: await rows("SELECT * FROM (FROM written EXCEPT ALL FROM expected) LIMIT 3"),
  };
}

/** The first difference, so that a failure is readable: there are millions of rows. */
function firstDifference(found: readonly string[], expected: readonly string[]): unknown {
  if (found.length !== expected.length) return { found: found.length, expected: expected.length };
  const at = found.findIndex((row, index) => row !== expected[index]);
  return at < 0 ? undefined : { found: found[at], expected: expected[at] };
}

test("the hourly windows of three million flights are those of DuckDB", async () => {
  const compared = await compareWindows("hourly", hourlySql, 3_600_000);
  expect(compared).toEqual({ expected: 424_259, written: 424_259, missing: [], wrong: [] });
}, 300_000);

test("so are the sliding windows", async () => {
  const compared = await compareWindows("sliding", slidingSql, 3 * 3_600_000);
  expect(compared).toEqual({ expected: 2_442_710, written: 2_442_710, missing: [], wrong: [] });
}, 300_000);

test("the alerts are what a plain loop over DuckDB's sliding windows finds", async () => {
  const rows = await queryFlights(`SELECT * FROM (${slidingSql}) ORDER BY origin, start`);
  const alerts: string[] = [];
  let origin: unknown;
  let open: { openedAt: number; worst: number; lastSeen: number } | undefined;
  const close = (closedAt: number, reason: string): void => {
    alerts.push([origin, open!.openedAt, closedAt, reason, open!.worst].join());
    open = undefined;
  };
  for (const [airport, start, flights, , , delayed] of rows) {
    const end = Number(start) + 3 * 3_600_000;
    const share = Number(delayed) / Number(flights);
    if (open !== undefined && (airport !== origin || end >= open.lastSeen + SILENCE_MS))
      close(open.lastSeen + SILENCE_MS, "silent");
    origin = airport;
    const isSolid = Number(flights) >= FLIGHTS_MIN;
    if (open === undefined) {
      if (isSolid && share > OPEN_SHARE) open = { openedAt: end, worst: share, lastSeen: end };
    } else if (isSolid && share <= CLOSE_SHARE) close(end, "recovered");
    else open = { openedAt: open.openedAt, worst: isSolid ? Math.max(open.worst, share) : open.worst, lastSeen: end };
  }
  if (open !== undefined) close(open.lastSeen + SILENCE_MS, "silent");
  const written = (await committedLines(output, "alerts")).map((line) => {
    const alert = JSON.parse(line) as Record<string, unknown>;
    return [alert["origin"], alert["openedAt"], alert["closedAt"], alert["reason"], alert["worstShare"]].join();
  });
  expect(alerts.length).toBeGreaterThan(1000);
  expect(firstDifference(written.sort(), alerts.sort())).toBeUndefined();
}, 300_000);

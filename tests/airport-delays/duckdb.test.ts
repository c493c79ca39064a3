import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLOSE_SHARE, FLIGHTS_MIN, OPEN_SHARE, SILENCE_MS } from "../../examples/airport-delays/airport-alerts.ts";
import { committedLines, runAirportJob } from "../support/airport-run.ts";
import { queryFlights } from "../support/flights.ts";

let output: string;

beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), "millrace-airport-"));
  const exit = await runAirportJob({ output });
  expect(exit.text).toContain("JFK");
  expect(exit.code).toBe(0);
}, 120_000);

afterAll(() => rm(output, { recursive: true, force: true }));

interface Row {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly flights: number;
  readonly meanDelay: number;
  readonly maxDelay: number;
  readonly delayedShare: number;
}

const measures = "count(*)::INT, sum(delay)::DOUBLE, max(delay)::INT, sum((delay > 15)::INT)::INT";
const hourlySql = `SELECT origin, epoch_ms(time_bucket(INTERVAL 1 HOUR, date))::DOUBLE AS start, ${measures} FROM flights GROUP BY ALL`;
const slidingSql = `
  SELECT origin, (quarter * 900000 - shift * 900000)::DOUBLE AS start, ${measures}
  FROM (SELECT *, epoch_ms(date) // 900000 AS quarter FROM flights), (SELECT unnest(range(12)) AS shift) GROUP BY ALL`;

/** One line a window, in the same shape from both sides: sums of whole numbers are exact in both. */
async function expectedWindows(sql: string, sizeMs: number): Promise<string[]> {
  const rows = await queryFlights(sql);
  return rows
    .map(([origin, start, flights, sum, max, delayed]) =>
      [
        origin,
        start,
        Number(start) + sizeMs,
        flights,
        Number(sum) / Number(flights),
        max,
        Number(delayed) / Number(flights),
      ].join(),
    )
    .sort();
}

async function writtenWindows(sink: string): Promise<string[]> {
  const lines = await committedLines(output, sink);
  return lines
    .map((line) => {
      const row = JSON.parse(line) as Row;
      return [row.origin, row.from, row.to, row.flights, row.meanDelay, row.maxDelay, row.delayedShare].join();
    })
    .sort();
}

/** The first difference, so that a failure is readable: there are millions of rows. */
function firstDifference(found: readonly string[], expected: readonly string[]): unknown {
  if (found.length !== expected.length) return { found: found.length, expected: expected.length };
  const at = found.findIndex((row, index) => row !== expected[index]);
  return at < 0 ? undefined : { found: found[at], expected: expected[at] };
}

test("the hourly windows of three million flights are those of DuckDB", async () => {
  const expected = await expectedWindows(hourlySql, 3_600_000);
  expect(expected.length).toBe(424_259);
  expect(firstDifference(await writtenWindows("hourly"), expected)).toBeUndefined();
});

test("so are the sliding windows", async () => {
  const expected = await expectedWindows(slidingSql, 3 * 3_600_000);
  expect(expected.length).toBeGreaterThan(2_000_000);
  expect(firstDifference(await writtenWindows("sliding"), expected)).toBeUndefined();
}, 120_000);

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
}, 120_000);

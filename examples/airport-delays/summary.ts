import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AirportAlert } from "./airport-alerts.ts";
import type { DelayStatistics } from "./delay-statistics.ts";

/** Airports with fewer flights are left out of the table. */
const FLIGHTS_MIN = 10_000;
const AIRPORTS_SHOWN = 12;

interface Airport {
  flights: number;
  delaySum: number;
  delayed: number;
  worst: DelayStatistics | undefined;
  alerts: number;
  alertHours: number;
}

/** Reads the committed files and shows the airports with the largest share of delayed flights. */
export async function describeResults(output: string): Promise<string> {
  const airports = new Map<string, Airport>();
  const airportOf = (origin: string): Airport => {
    const known = airports.get(origin);
    if (known !== undefined) return known;
    const airport: Airport = { flights: 0, delaySum: 0, delayed: 0, worst: undefined, alerts: 0, alertHours: 0 };
    airports.set(origin, airport);
    return airport;
  };
  for (const row of await rowsOf<DelayStatistics>(join(output, "hourly"))) {
    const airport = airportOf(row.origin);
    airport.flights += row.flights;
    airport.delaySum += row.meanDelay * row.flights;
    airport.delayed += row.delayedShare * row.flights;
    if (row.flights >= 10 && (airport.worst === undefined || row.meanDelay > airport.worst.meanDelay))
      airport.worst = row;
  }
  for (const alert of await rowsOf<AirportAlert>(join(output, "alerts"))) {
    const airport = airportOf(alert.origin);
    airport.alerts++;
    airport.alertHours += (alert.closedAt - alert.openedAt) / 3_600_000;
  }
  const ranked = [...airports]
    .filter(([, airport]) => airport.flights >= FLIGHTS_MIN)
    .sort(([, left], [, right]) => right.delayed / right.flights - left.delayed / left.flights)
    .slice(0, AIRPORTS_SHOWN);
  return render(ranked);
}

function render(ranked: readonly (readonly [string, Airport])[]): string {
  const header = [
    "airport",
    "flights",
    "mean delay",
    "delayed",
    "alerts",
    "hours in alert",
    "worst hour (UTC)",
    "its mean",
  ];
  const rows = ranked.map(([origin, { flights, delaySum, delayed, worst, alerts, alertHours }]) => [
    origin,
    flights.toLocaleString("en-US"),
    `${(delaySum / flights).toFixed(1)} min`,
    `${((100 * delayed) / flights).toFixed(1)} %`,
    String(alerts),
    alertHours.toFixed(0),
    worst === undefined ? "-" : new Date(worst.from).toISOString().slice(0, 16).replace("T", " "),
    worst === undefined ? "-" : `${worst.meanDelay.toFixed(0)} min`,
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ");
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [
    "",
    `Airports with the largest share of flights delayed by more than 15 minutes (at least ${FLIGHTS_MIN.toLocaleString("en-US")} flights)`,
    "",
    line(header),
    rule,
    ...rows.map(line),
    "",
  ].join("\n");
}

/** The rows of all committed parts of a sink. */
async function rowsOf<T>(directory: string): Promise<readonly T[]> {
  const parts = (await readdir(directory)).filter((name) => !name.startsWith(".") && name.endsWith(".jsonl")).sort();
  const rows: T[] = [];
  for (const part of parts) {
    const text = await readFile(join(directory, part), "utf8");
    // Written by this job's sink, with the declared type.
    for (const line of text.split("\n")) if (line !== "") rows.push(JSON.parse(line) as T);
  }
  return rows;
}

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Type, t } from "millrace";

/** A US domestic flight of 2001. Delays are minutes, negative when early; distances are miles. */
export interface Flight {
  date: number;
  delay: number;
  distance: number;
  origin: string;
  destination: string;
}

export const FlightType: Type<Flight> = t.object({
  date: t.timestamp,
  delay: t.int32,
  distance: t.int32,
  origin: t.string,
  destination: t.string,
});

/** The three million flights that come with the package vega-datasets. */
export function bundledFlights(): string {
  const entry = createRequire(import.meta.url).resolve("vega-datasets");
  return join(dirname(entry), "..", "data", "flights-3m.parquet");
}

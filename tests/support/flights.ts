import { DuckDBInstance } from "@duckdb/node-api";
import { bundledFlights } from "../../examples/airport-delays/flights.ts";

/** Runs a query on the flights (`FROM flights`) in DuckDB and returns its rows as plain values. */
export async function queryFlights(sql: string): Promise<readonly unknown[][]> {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`CREATE VIEW flights AS SELECT * FROM '${bundledFlights()}'`);
  return (await connection.runAndReadAll(sql)).getRows() as unknown[][];
}

/** Writes the flights before `day` into a Parquet file with small row groups, so that several readers have work. */
export async function writeFlightsBefore(day: string, file: string): Promise<void> {
  await queryFlights(
    `COPY (SELECT * FROM flights WHERE date < '${day}') TO '${file}' (FORMAT parquet, ROW_GROUP_SIZE 20480)`,
  );
}

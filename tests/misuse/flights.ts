/** What the misuses in this folder start from. They are compiled by a test and never run. */
import type { AggregateFunction, DataStream, KeyedStream, StreamExecutionEnvironment } from "millrace";

export interface Flight {
  readonly date: number;
  readonly delay: number;
  readonly origin: string;
  readonly gate?: string;
  readonly landed: Date;
}

export declare const env: StreamExecutionEnvironment;
export declare const flights: DataStream<Flight>;
export declare const byOrigin: KeyedStream<Flight, string>;
export declare const texts: DataStream<string>;
export declare const counting: AggregateFunction<Flight, { count: number }, number>;

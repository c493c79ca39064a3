/**
 * What the examples in docstrings are about, so that each of them can be about one thing: streams, records and functions
 * that a reader knows from their names. For the compiler only: examples that use these values are not run.
 */
import { Pattern } from "@millrace/cep";
import type {
  AggregateFunction,
  AsyncFunction,
  DataStream,
  FileSystem,
  Job,
  JobClient,
  KeyedCoProcessFunction,
  KeyedProcessFunction,
  KeyedStream,
  RuntimeContext,
  Source,
  SourceSplit,
  StreamExecutionEnvironment,
  TimestampedValue,
  TumblingEventTimeWindows,
  Type,
  WindowedStream,
} from "millrace";

import type { KeyedStateBootstrapFunction, KeyedStateReaderFunction, SavepointReader } from "millrace/state-processor";

export { default as fc } from "fast-check";
export { expect, test } from "vitest";

export interface Flight {
  date: number;
  delay: number;
  distance: number;
  origin: string;
  destination: string;
}

export interface Click {
  user: string;
  at: number;
  isMobile?: boolean;
}

export interface Order {
  id: number;
  user: string;
  shop: string;
  price: number;
  currency: string;
  isLarge: boolean;
}

export interface Payment {
  order: number;
  cents: number;
}

export interface Reading {
  sensor: string;
  at: number;
  celsius: number;
  isAlarm: boolean;
}

export interface Trade {
  symbol: string;
  price: number;
  at: number;
}

export interface Total {
  user: string;
  count: number;
}

export declare const Total: Type<Total>;

/** Of a job, as one file. */
export declare const code: Uint8Array;

export declare const CustomerLookup: new () => AsyncFunction<Order, Order & { customer: string }>;
export declare const Sessions: new () => KeyedProcessFunction<string, Click, { user: string; clicks: number }>;
export declare const Matcher: new () => KeyedCoProcessFunction<number, Order, Payment, string>;
export declare const lookUp: (order: Order, context: { readonly signal: AbortSignal }) => Promise<number>;
export declare const rateOf: (currency: string, signal: AbortSignal) => Promise<number>;
export declare const ordersOf: (user: number, signal: AbortSignal) => Promise<readonly Order[]>;
export declare const isTransient: (error: unknown) => boolean;
export declare const table: { upsert(totals: readonly Total[]): Promise<{ refused: readonly Total[] }> };
export declare const orderStore: {
  begin(): string;
  put(id: string, order: Order): void;
  flush(id: string): Promise<void>;
  commit(id: string): Promise<void>;
  abort(id: string): Promise<void>;
};
export declare const recordedClicks: readonly Click[];
export declare const elements: TimestampedValue<Reading>[];
export declare const cutoff: number;
export declare const savepoint: SavepointReader;
export declare const Average: new () => AggregateFunction<Reading, { sum: number; count: number }, number>;
export declare const accounts: readonly { id: string; amount: number }[];
export declare const Totals: new () => KeyedStateReaderFunction<string, { key: string; total: number }>;
export declare const TotalOf: new () => KeyedStateBootstrapFunction<string, { id: string; amount: number }>;
export declare const MyFileSystem: new (token: string | undefined) => FileSystem;
export declare const CentsOf: new () => KeyedStateBootstrapFunction<string, { key: string; total: number }>;

/** A price that falls from above 100, and rises above it again. */
export const dip = Pattern.of<Trade>()
  .begin("high")
  .where((trade) => trade.price > 100)
  .followedBy("lower")
  .where((trade) => trade.price <= 100)
  .oneOrMore()
  .next("recovered")
  .where((trade) => trade.price > 100)
  .within("10 min");

export declare const env: StreamExecutionEnvironment;
export declare const source: Source<Flight, SourceSplit, unknown>;
export declare const job: Job;
export declare const client: JobClient;
export declare const context: RuntimeContext;

export declare const flights: DataStream<Flight>;
export declare const clicks: DataStream<Click>;
export declare const orders: DataStream<Order>;
export declare const payments: DataStream<Payment>;
export declare const rules: DataStream<{ shop: string }>;
export declare const readings: DataStream<Reading>;
export declare const trades: KeyedStream<Trade, string>;
export declare const logins: DataStream<{ user: string; ok: boolean }>;
export declare const users: DataStream<{ id: number }>;
export declare const totals: DataStream<Total>;
export declare const lines: DataStream<string>;
export declare const numbers: DataStream<number>;
export declare const values: DataStream<string | number>;
export declare const windows: WindowedStream<Click, string, TumblingEventTimeWindows>;

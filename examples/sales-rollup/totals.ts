import { type AggregateFunction, type TimeWindow, type Type, t, type WindowResultFunction } from "millrace";
import type { Sale } from "./sales.ts";

/** What was sold in one shop in one minute, hour or day. */
export interface Total {
  shop: string;
  /** Start and end of the window, epoch ms; the end is exclusive. */
  from: number;
  to: number;
  sales: number;
  cents: number;
  largest: number;
}

export const TotalType: Type<Total> = t.object({
  shop: t.string,
  from: t.timestamp,
  to: t.timestamp,
  sales: t.int32,
  cents: t.int64,
  largest: t.int32,
});

/** What a window keeps of its sales: a few numbers, however many there are. */
export type Sums = Pick<Total, "sales" | "cents" | "largest">;

export const SumsType: Type<Sums> = t.object({ sales: t.int32, cents: t.int64, largest: t.int32 });

export const sumOfSales: AggregateFunction<Sale, Sums, Sums> = {
  createAccumulator: () => ({ sales: 0, cents: 0, largest: 0 }),
  add: (sale, sums) => plus(sums, { sales: 1, cents: sale.cents, largest: sale.cents }),
  getResult: (sums) => sums,
};

/** Adds up totals of shorter windows. */
export const sumOfTotals: AggregateFunction<Total, Sums, Sums> = {
  createAccumulator: sumOfSales.createAccumulator,
  add: (total, sums) => plus(sums, total),
  getResult: (sums) => sums,
};

export const toTotal: WindowResultFunction<string, Sums, Total> = (shop: string, window: TimeWindow, sums: Sums) => ({
  shop,
  from: window.start,
  to: window.end,
  ...sums,
});

function plus(sums: Sums, more: Sums): Sums {
  sums.sales += more.sales;
  sums.cents += more.cents;
  sums.largest = Math.max(sums.largest, more.largest);
  return sums;
}

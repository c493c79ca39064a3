import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type Type,
  t,
  type ValueState,
  valueState,
} from "millrace";
import type { KnownOrder } from "./history-lookup.ts";

/** An order beside what its customer spends on average; null for a first order. */
export interface JudgedOrder {
  id: number;
  customer: number;
  cents: number;
  averageCents: number | null;
  isUnusual: boolean;
}

export const JudgedOrderType: Type<JudgedOrder> = t.object({
  id: t.int32,
  customer: t.int32,
  cents: t.int32,
  averageCents: t.nullable(t.float64),
  isUnusual: t.boolean,
});

/** An order of more than so many times the average is unusual. */
export const UNUSUAL_FACTOR = 4;

const SpentType = t.object({ orders: t.int32, cents: t.int64 });

/** The service knows what was ordered until last night, the state what has been ordered since. */
export class Spending implements KeyedProcessFunction<number, KnownOrder, JudgedOrder> {
  private since!: ValueState<{ orders: number; cents: number }>;

  open(context: RuntimeContext): void {
    this.since = context.getState(valueState("since", SpentType));
  }

  processElement(order: KnownOrder, _context: KeyedProcessContext<number>, out: Collector<JudgedOrder>): void {
    const since = this.since.value() ?? { orders: 0, cents: 0 };
    const orders = since.orders + (order.history?.orders ?? 0);
    const averageCents = orders === 0 ? null : (since.cents + (order.history?.cents ?? 0)) / orders;
    const isUnusual = averageCents !== null && order.cents > UNUSUAL_FACTOR * averageCents;
    out.collect({ id: order.id, customer: order.customer, cents: order.cents, averageCents, isUnusual });
    this.since.update({ orders: since.orders + 1, cents: since.cents + order.cents });
  }
}

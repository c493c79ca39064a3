import { type Type, t } from "millrace";

export interface Order {
  id: number;
  customer: number;
  cents: number;
}

export const OrderType: Type<Order> = t.object({ id: t.int32, customer: t.int32, cents: t.int32 });

const CUSTOMERS = 60;

/** Most orders are ordinary; every 37th is for a lot of money. */
export function orderAt(index: number): Order {
  const cents = 500 + ((index * 7_919) % 4_001);
  return { id: index, customer: (index * 17) % CUSTOMERS, cents: index % 37 === 36 ? cents * 12 : cents };
}

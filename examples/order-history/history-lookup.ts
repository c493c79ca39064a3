import { type AsyncContext, type AsyncMapFunction, type Type, t } from "millrace";
import { type History, type HistoryServer, startHistoryServer } from "./history-server.ts";
import type { Order } from "./orders.ts";

/** An order and what its customer had ordered before; null where the service did not answer in time. */
export interface KnownOrder extends Order {
  history: History | null;
}

const HistoryType: Type<History> = t.object({ orders: t.int32, cents: t.int64 });

export const KnownOrderType: Type<KnownOrder> = t.object({
  id: t.int32,
  customer: t.int32,
  cents: t.int32,
  history: t.nullable(HistoryType),
});

/** Asks the service. Every subtask has one of these, opened before its first order. */
export class HistoryLookup implements AsyncMapFunction<Order, KnownOrder> {
  private readonly givenUrl: string | undefined;
  private ownServer: Promise<HistoryServer> | undefined;

  /** @param givenUrl - Where the service is. Left out: each subtask starts one, so that the example needs nothing else. */
  constructor(givenUrl: string | undefined) {
    this.givenUrl = givenUrl;
  }

  open(): void {
    if (this.givenUrl === undefined) this.ownServer = startHistoryServer();
  }

  close(): void {
    void this.ownServer?.then((server) => server.close());
  }

  async mapAsync(order: Order, { signal }: AsyncContext): Promise<KnownOrder> {
    const url = this.givenUrl ?? (await this.ownServer)?.url;
    const response = await fetch(`${url}/customers/${order.customer}`, { signal });
    // What is thrown here is tried again, as the job says.
    if (!response.ok) throw new Error(`the history service answered ${response.status}`);
    return { ...order, history: (await response.json()) as History };
  }
}

/**
 * A service that knows what customers ordered in the past: GET /customers/7. Like real ones it is not always there. The
 * first request for every fifth customer is refused, and for the customer SILENT there is never an answer.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a customer had ordered by last night. */
export interface History {
  orders: number;
  cents: number;
}

/** No answer comes for this customer. */
export const SILENT = 42;

export interface HistoryServer {
  readonly url: string;
  /** Requests so far, by customer. */
  readonly requests: ReadonlyMap<number, number>;
  close(): void;
}

/** What the service answers, or undefined where it never does. */
export function historyOf(customer: number): History | undefined {
  if (customer === SILENT) return undefined;
  const orders = (customer * 7) % 23;
  return { orders, cents: orders * (1_500 + customer * 10) };
}

/** Listens on this machine only, at a port that is free. */
export async function startHistoryServer(): Promise<HistoryServer> {
  const requests = new Map<number, number>();
  const server: Server = createServer((request, response) => {
    const customer = Number(/^\/customers\/(\d+)$/.exec(request.url ?? "")?.[1] ?? Number.NaN);
    const count = (requests.get(customer) ?? 0) + 1;
    requests.set(customer, count);
    if (Number.isNaN(customer)) response.writeHead(404).end();
    else if (customer % 5 === 0 && count === 1) response.writeHead(503).end();
    else if (customer !== SILENT) response.end(JSON.stringify(historyOf(customer)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Whoever forgets to close it shall not keep the process alive.
  server.unref();
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

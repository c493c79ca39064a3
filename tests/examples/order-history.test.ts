import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type HistoryServer,
  historyOf,
  SILENT,
  startHistoryServer,
} from "../../examples/order-history/history-server.ts";
import orderHistory from "../../examples/order-history/job.ts";
import { orderAt } from "../../examples/order-history/orders.ts";
import type { JudgedOrder } from "../../examples/order-history/spending.ts";
import { executeExample, expectRows, killAndResume, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();
let server: HistoryServer;

beforeEach(async () => {
  server = await startHistoryServer();
});

afterEach(() => server.close());

/** Every order judged by all that its customer ordered before it, in the past and in this stream. */
function expectedOrders(count: number): readonly JudgedOrder[] {
  const spent = new Map<number, { orders: number; cents: number }>();
  return Array.from({ length: count }, (_, index) => {
    const { id, customer, cents } = orderAt(index);
    const before = spent.get(customer) ?? historyOf(customer) ?? { orders: 0, cents: 0 };
    spent.set(customer, { orders: before.orders + 1, cents: before.cents + cents });
    const averageCents = before.orders === 0 ? null : before.cents / before.orders;
    return { id, customer, cents, averageCents, isUnusual: averageCents !== null && cents > 4 * averageCents };
  });
}

test("S65: history lookups enrich every order, whatever the store refuses at first or never answers", async () => {
  const output = pathOf("run");
  const { code, text } = await runExample("order-history", {
    output,
    parallelism: 2,
    args: ["--history", server.url, "--timeout-ms", "5000"],
  });
  expect(code, text).toBe(0);
  expect(text).toMatch(/order \d+ of customer \d+: \d+\.\d\d, usually/);
  await expectRows(output, "orders", expectedOrders(400));
  const ordersOf = (customer: number): number =>
    expectedOrders(400).filter((each) => each.customer === customer).length;
  expect(server.requests.get(7), "one request an order").toBe(ordersOf(7));
  expect(server.requests.get(5), "and one more for the refused one").toBe(ordersOf(5) + 1);
  expect(server.requests.get(SILENT), "and no second one where there is no answer").toBe(ordersOf(SILENT));
}, 180_000);

test("S65: the module's default export looks history up in a store of its own when it is given none", async () => {
  const output = pathOf("module");
  // The silent customer's first order is the 7th of every 60.
  await executeExample(orderHistory, ["--output", output, "--orders", "6"]);
  await expectRows(output, "orders", expectedOrders(6));
});

test("S65: killed in the middle and resumed, history lookups under way are made again and count once", async () => {
  const output = pathOf("killed");
  const args = ["--history", server.url, "--orders", "400", "--rate", "100", "--timeout-ms", "5000"];
  const { code, text } = await killAndResume("order-history", { output, args, checkpointInterval: "200 ms" });
  expect(code, text).toBe(0);
  await expectRows(output, "orders", expectedOrders(400));
}, 180_000);

/**
 * Looks up every customer's history in a service and marks the orders that are unusual for them.
 *
 *     millrace run examples/order-history/job.ts [--history URL] [--output DIRECTORY] [--orders N] [--rate ORDERS_PER_SECOND]
 *
 * Without `--history` the example starts a service of its own on this machine.
 */
import { join } from "node:path";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  AsyncRetryStrategies,
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  RESTART_STRATEGY_TYPE,
  type StreamExecutionEnvironment,
  WatermarkStrategy,
} from "millrace";
import { HistoryLookup, KnownOrderType } from "./history-lookup.ts";
import { OrderType, orderAt } from "./orders.ts";
import { JudgedOrderType, Spending } from "./spending.ts";

export default function orderHistory(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/order-history");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(EXTERNALIZED_CHECKPOINT_RETENTION, "RETAIN_ON_CANCELLATION");
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};
  const historyUrl = args.has("history") ? args.get("history") : undefined;

  // One reader, keyed before and after the lookup: a customer's orders stay in their order. Results leave in the order of
  // their records; an order that waits for its timeout lets the others go on as long as there is capacity.
  const judged = env
    .fromSource(
      DataGeneratorSource.of(orderAt, args.number("orders", 400), rate),
      WatermarkStrategy.noWatermarks(),
      "orders",
    )
    .setParallelism(1)
    .returns(OrderType)
    .keyBy((order) => order.customer)
    .mapAsync(new HistoryLookup(historyUrl), {
      timeout: args.number("timeout-ms", 3_000),
      capacity: 400,
      retry: AsyncRetryStrategies.fixedDelay(3, "100 ms"),
      onTimeout: (order) => ({ ...order, history: null }),
    })
    .uid("history-lookup")
    .returns(KnownOrderType)
    .keyBy((order) => order.customer)
    .process(new Spending())
    .uid("spending")
    .returns(JudgedOrderType);

  judged.sinkTo(FileSink.to(join(output, "orders"), jsonLines(JudgedOrderType))).uid("order-files");
  judged
    .filter((order) => order.isUnusual)
    .map(({ id, customer, cents, averageCents }) => {
      const [paid, usual] = [cents, averageCents ?? 0].map((each) => (each / 100).toFixed(2));
      return `order ${id} of customer ${customer}: ${paid}, usually ${usual}`;
    })
    .print();
}

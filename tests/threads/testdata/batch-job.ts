/**
 * Windows of keys, sessions, a window join and an interval join, whose rows are the same in both runtime modes and at every
 * parallelism.
 */
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  DataGeneratorSource,
  EventTimeSessionWindows,
  type JobArguments,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  t,
} from "millrace";

const RowType = t.object({ kind: t.string, key: t.string, n: t.int64, at: t.float64 });
type Row = { kind: string; key: string; n: number; at: number };

export default function batch(env: StreamExecutionEnvironment, args: JobArguments): void {
  const count = args.number("count");
  const eventTime = { boundedOutOfOrderness: 500, timestamp: (value: { readonly at: number }) => value.at };
  // Out of order, by less than the bound.
  const orders = env
    .fromSource(
      DataGeneratorSource.of((i) => ({ at: i * 10 + ((i * 7919) % 400), shop: `s${i % 13}`, price: i % 101 }), count),
      eventTime,
      "orders",
    )
    .rebalance();
  const offers = env.fromSource(
    DataGeneratorSource.of((i) => ({ at: i * 30, shop: `s${i % 7}`, id: i }), Math.floor(count / 3)),
    eventTime,
    "offers",
  );
  const byShop = orders.keyBy((order) => order.shop);
  const revenue = byShop
    .window(TumblingEventTimeWindows.of("2 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (order, sum) => sum + order.price, getResult: (sum) => sum },
      (key, window, n): Row => ({ kind: "revenue", key, n, at: window.end }),
    )
    .uid("revenue");
  const visits = orders
    .filter((order) => order.price < 20)
    .keyBy((order) => order.shop)
    .window(EventTimeSessionWindows.withGap("300 ms"))
    .apply<Row>((key, window, all, out) => out.collect({ kind: "visit", key, n: [...all].length, at: window.end }))
    .uid("visits");
  const matched = orders
    .join(offers)
    .where((order) => order.shop)
    .equalTo((offer) => offer.shop)
    .window(TumblingEventTimeWindows.of("500 ms"))
    .apply((order, offer): Row => ({ kind: "join", key: order.shop, n: offer.id, at: order.at }))
    .uid("join");
  const near = byShop
    .intervalJoin(offers.keyBy((offer) => offer.shop))
    .between("-50 ms", "50 ms")
    .process<Row>({
      processElement: (order, offer, _context, out) =>
        out.collect({ kind: "interval", key: order.shop, n: offer.id, at: order.at }),
    })
    .uid("interval");
  revenue
    .union(visits, matched, near)
    .sinkTo(FileSink.to(args.get("output"), jsonLines(RowType)))
    .uid("rows");
}

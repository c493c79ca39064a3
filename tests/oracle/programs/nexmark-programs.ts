/**
 * The online auction: bids (k auction, o bidder, v price), auctions (k id, o seller, v reserve), people (k id, o state).
 * All three are streams of one file.
 */
import {
  type Collector,
  EventTimeSessionWindows,
  type ProcessAllWindowFunction,
  type ProcessJoinContext,
  type ProcessWindowContext,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row, RowOrder } from "../oracle-job.ts";
import { countAndSum, total } from "./window-functions.ts";

const aboveReserve = {
  processElement: (auction: OracleEvent, bid: OracleEvent, _context: ProcessJoinContext, out: Collector<Row>): void => {
    if (bid.v >= auction.v) out.collect([auction.k, auction.n, bid.n, bid.v]);
  },
};

/** The auction with the most bids of each window; the smaller id of those with equally many. */
const hottest: ProcessAllWindowFunction<OracleEvent, Row> = {
  process({ window }: ProcessWindowContext, counts: Iterable<OracleEvent>, out: Collector<Row>): void {
    const [best] = [...counts].sort((a, b) => b.v - a.v || Number(a.k) - Number(b.k));
    out.collect([window.end, best!.k, best!.v]);
  },
};

/** What a window emits belongs to its last millisecond, so both windows are of the same bids. */
function hotItem(job: OracleJob): void {
  const bids = job.stream("bid").map((bid) => ({ ...bid, v: 1 }));
  const counts = bids
    .keyBy((bid) => bid.k)
    .window(TumblingEventTimeWindows.of(400))
    .sum("v");
  job.out(counts.windowAll(TumblingEventTimeWindows.of(400)).process(hottest));
}

function program(name: string, order: RowOrder, build: (job: OracleJob) => void): Program {
  return { name: `nexmark-${name}`, input: "nexmark", order, build };
}

export const nexmarkPrograms: readonly Program[] = [
  program("convert", "total", (job) =>
    job.out(
      job
        .stream("bid")
        .filter((bid) => Number(bid.k) % 5 === 0)
        .map((bid): Row => [bid.k, bid.o, Math.floor((bid.v * 908) / 1000), bid.t]),
    ),
  ),
  program("bids-per-auction", "key", (job) =>
    job.out(job.keyed("bid").window(SlidingEventTimeWindows.of(1000, 200)).aggregate(countAndSum, total)),
  ),
  program("highest-bid", "key", (job) =>
    job.outEvents(job.keyed("bid").window(TumblingEventTimeWindows.of(500)).maxBy("v")),
  ),
  program("bidder-sessions", "key", (job) =>
    job.out(
      job
        .stream("bid")
        .keyBy((bid) => bid.o)
        .window(EventTimeSessionWindows.withGap(150))
        .aggregate(countAndSum, total),
    ),
  ),
  program("hot-item", "total", hotItem),
  program("new-sellers", "none", (job) =>
    job.out(
      job
        .stream("person")
        .join(job.stream("auction"))
        .where((person) => person.k)
        .equalTo((auction) => auction.o)
        .window(TumblingEventTimeWindows.of(1000))
        .apply((person, auction): Row => [person.k, person.o, auction.k]),
    ),
  ),
  program("auction-bids", "none", (job) =>
    job.out(job.keyed("auction").intervalJoin(job.keyed("bid")).between(0, 250).process(aboveReserve)),
  ),
];

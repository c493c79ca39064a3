package millrace.oracle;

import static millrace.oracle.WindowPrograms.ms;

import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * The online auction: bids (k auction, o bidder, v price), auctions (k id, o seller, v reserve), people (k id, o state).
 * All three are streams of one file.
 */
final class NexmarkPrograms {
    private static final String INPUT = "nexmark";

    private NexmarkPrograms() {}

    static void add(List<Program> programs) {
        programs.add(new Program("nexmark-convert", INPUT, Program.Order.TOTAL, job -> job.out(job.stream("bid")
                .filter(bid -> Long.parseLong(bid.k) % 5 == 0)
                .map(bid -> Row.of(bid.k, bid.o, bid.v * 908 / 1000, bid.t)))));
        programs.add(new Program("nexmark-bids-per-auction", INPUT, Program.Order.KEY, job -> job.out(job.keyed("bid")
                .window(SlidingEventTimeWindows.of(ms(1000), ms(200)))
                .aggregate(new WindowFunctions.CountAndSum(), new WindowFunctions.Total()))));
        programs.add(new Program("nexmark-highest-bid", INPUT, Program.Order.KEY,
                job -> job.outEvents(job.keyed("bid").window(TumblingEventTimeWindows.of(ms(500))).maxBy("v"))));
        programs.add(new Program("nexmark-bidder-sessions", INPUT, Program.Order.KEY, job -> job.out(job.stream("bid")
                .keyBy(bid -> bid.o)
                .window(EventTimeSessionWindows.withGap(ms(150)))
                .aggregate(new WindowFunctions.CountAndSum(), new WindowFunctions.Total()))));
        programs.add(new Program("nexmark-hot-item", INPUT, Program.Order.TOTAL, NexmarkPrograms::hotItem));
        programs.add(new Program("nexmark-auction-bids", INPUT, Program.Order.NONE, job -> job.out(
                job.keyed("auction").intervalJoin(job.keyed("bid")).between(ms(0), ms(250)).process(new AboveReserve()))));
        programs.add(new Program("nexmark-new-sellers", INPUT, Program.Order.NONE, job -> job.out(
                job.stream("person").join(job.stream("auction")).where(person -> person.k).equalTo(auction -> auction.o)
                        .window(TumblingEventTimeWindows.of(ms(1000)))
                        .apply((person, auction) -> Row.of(person.k, person.o, auction.k)))));
    }

    /** The auction with the most bids of each window; the smaller id of those with equally many. */
    private static void hotItem(Job job) {
        DataStream<Event> counts = job.keyed("bid").map(bid -> {
            Event one = new Event();
            one.k = bid.k;
            one.v = 1;
            one.t = bid.t;
            return one;
        }).keyBy(one -> one.k).window(TumblingEventTimeWindows.of(ms(400))).sum("v");
        job.out(counts.windowAll(TumblingEventTimeWindows.of(ms(400))).process(new Hottest()));
    }

    private static final class Hottest extends ProcessAllWindowFunction<Event, Row, TimeWindow> {
        @Override
        public void process(Context context, Iterable<Event> counts, Collector<Row> out) {
            Event best = null;
            for (Event count : counts)
                if (best == null || count.v > best.v || (count.v == best.v && Long.parseLong(count.k) < Long.parseLong(best.k))) best = count;
            out.collect(Row.of(context.window().getEnd(), best.k, best.v));
        }
    }

    private static final class AboveReserve extends ProcessJoinFunction<Event, Event, Row> {
        @Override
        public void processElement(Event auction, Event bid, Context context, Collector<Row> out) {
            if (bid.v >= auction.v) out.collect(Row.of(auction.k, auction.n, bid.n, bid.v));
        }
    }
}

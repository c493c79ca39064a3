package millrace.oracle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.ReduceFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.GlobalWindow;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** What the window programs show of a window. */
final class WindowFunctions {
    private WindowFunctions() {}

    static List<Long> ids(Iterable<Event> events) {
        List<Long> ids = new ArrayList<>();
        for (Event event : events) ids.add(event.n);
        return ids;
    }

    /** [key, start, end, watermark, records in the order they came]. */
    static final class Elements extends ProcessWindowFunction<Event, Row, String, TimeWindow> {
        @Override
        public void process(String key, Context context, Iterable<Event> events, Collector<Row> out) {
            TimeWindow window = context.window();
            out.collect(Row.of(key, window.getStart(), window.getEnd(), Row.time(context.currentWatermark()), ids(events)));
        }
    }

    /** As Elements; merging leaves the order of the records open, so they are sorted. */
    static final class SortedElements extends ProcessWindowFunction<Event, Row, String, TimeWindow> {
        @Override
        public void process(String key, Context context, Iterable<Event> events, Collector<Row> out) {
            TimeWindow window = context.window();
            List<Long> ids = ids(events);
            Collections.sort(ids);
            out.collect(Row.of(key, window.getStart(), window.getEnd(), Row.time(context.currentWatermark()), ids));
        }
    }

    /** [key, records in the order they came]. */
    static final class GlobalElements extends ProcessWindowFunction<Event, Row, String, GlobalWindow> {
        @Override
        public void process(String key, Context context, Iterable<Event> events, Collector<Row> out) {
            out.collect(Row.of(key, ids(events)));
        }
    }

    /** ["all", start, end, records in the order they came]. */
    static final class AllElements extends ProcessAllWindowFunction<Event, Row, TimeWindow> {
        @Override
        public void process(Context context, Iterable<Event> events, Collector<Row> out) {
            List<Long> ids = ids(events);
            Collections.sort(ids);
            out.collect(Row.of("all", context.window().getStart(), context.window().getEnd(), ids));
        }
    }

    /** ["all", records in the order they came]. */
    static final class AllGlobalElements extends ProcessAllWindowFunction<Event, Row, GlobalWindow> {
        @Override
        public void process(Context context, Iterable<Event> events, Collector<Row> out) {
            out.collect(Row.of("all", ids(events)));
        }
    }

    /** The one aggregate of a window: [key, start, end, count, sum]. */
    static final class Total extends ProcessWindowFunction<long[], Row, String, TimeWindow> {
        @Override
        public void process(String key, Context context, Iterable<long[]> totals, Collector<Row> out) {
            long[] total = totals.iterator().next();
            out.collect(Row.of(key, context.window().getStart(), context.window().getEnd(), total[0], total[1]));
        }
    }

    /** Count and sum. */
    static final class CountAndSum implements AggregateFunction<Event, long[], long[]> {
        @Override
        public long[] createAccumulator() {
            return new long[] {0, 0};
        }

        @Override
        public long[] add(Event event, long[] total) {
            return new long[] {total[0] + 1, total[1] + event.v};
        }

        @Override
        public long[] getResult(long[] total) {
            return total;
        }

        @Override
        public long[] merge(long[] a, long[] b) {
            return new long[] {a[0] + b[0], a[1] + b[1]};
        }
    }

    /** The first record with the sum of both. */
    static final class SumValues implements ReduceFunction<Event> {
        @Override
        public Event reduce(Event a, Event b) {
            Event sum = new Event();
            sum.s = a.s;
            sum.k = a.k;
            sum.o = a.o;
            sum.t = a.t;
            sum.n = a.n;
            sum.v = a.v + b.v;
            return sum;
        }
    }
}

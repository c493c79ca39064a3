package millrace.oracle;

import static millrace.oracle.WindowPrograms.ms;

import java.util.Collections;
import java.util.List;
import org.apache.flink.api.common.functions.CoGroupFunction;
import org.apache.flink.streaming.api.datastream.CoGroupedStreams;
import org.apache.flink.streaming.api.datastream.JoinedStreams;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.triggers.CountTrigger;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Interval joins, window joins and coGroup. */
final class JoinPrograms {
    private static final String INPUT = "pairs";

    private JoinPrograms() {}

    static void add(List<Program> programs) {
        interval(programs, "interval-join", -100, 150, false, false);
        interval(programs, "interval-join-lower-exclusive", -100, 150, true, false);
        interval(programs, "interval-join-upper-exclusive", -100, 150, false, true);
        interval(programs, "interval-join-both-exclusive", -100, 150, true, true);
        interval(programs, "interval-join-after", 20, 200, false, false);
        interval(programs, "interval-join-before", -200, -20, false, false);
        interval(programs, "interval-join-point", 0, 0, false, false);

        TumblingEventTimeWindows tumbling = TumblingEventTimeWindows.of(ms(300));
        SlidingEventTimeWindows sliding = SlidingEventTimeWindows.of(ms(300), ms(150));
        EventTimeSessionWindows session = EventTimeSessionWindows.withGap(ms(80));
        join(programs, "window-join-tumbling", tumbling);
        join(programs, "window-join-sliding", sliding);
        join(programs, "window-join-session", session);
        programs.add(new Program("window-join-lateness", INPUT, Program.Order.NONE,
                job -> job.out(joined(job).window(tumbling).allowedLateness(ms(300)).apply(JoinPrograms::pair))));
        coGroup(programs, "co-group-tumbling", tumbling);
        coGroup(programs, "co-group-sliding", sliding);
        coGroup(programs, "co-group-session", session);
        programs.add(new Program("co-group-lateness", INPUT, Program.Order.KEY,
                job -> job.out(coGrouped(job).window(tumbling).allowedLateness(ms(300)).apply(new Groups()))));
        programs.add(new Program("co-group-count-trigger", INPUT, Program.Order.KEY,
                job -> job.out(coGrouped(job).window(tumbling).trigger(CountTrigger.of(2)).apply(new Groups()))));
    }

    private static void interval(List<Program> programs, String name, long lower, long upper, boolean lowerExclusive, boolean upperExclusive) {
        programs.add(new Program(name, INPUT, Program.Order.NONE, job -> {
            OutputTag<Event> lateLeft = new OutputTag<>("late-left") {};
            OutputTag<Event> lateRight = new OutputTag<>("late-right") {};
            KeyedStream<Event, String> left = job.keyed("a");
            KeyedStream.IntervalJoined<Event, Event, String> join = left.intervalJoin(job.keyed("b")).between(ms(lower), ms(upper));
            if (lowerExclusive) join = join.lowerBoundExclusive();
            if (upperExclusive) join = join.upperBoundExclusive();
            SingleOutputStreamOperator<Row> rows =
                    join.sideOutputLeftLateData(lateLeft).sideOutputRightLateData(lateRight).process(new Pairs());
            job.out(rows);
            job.outLate(rows.getSideOutput(lateLeft));
            job.outLate(rows.getSideOutput(lateRight));
        }));
    }

    private static void join(List<Program> programs, String name, WindowAssigner<Object, TimeWindow> assigner) {
        programs.add(new Program(name, INPUT, Program.Order.NONE, job -> job.out(joined(job).window(assigner).apply(JoinPrograms::pair))));
    }

    private static JoinedStreams<Event, Event>.Where<String>.EqualTo joined(Job job) {
        return job.stream("a").join(job.stream("b")).where(event -> event.k).equalTo(event -> event.k);
    }

    private static Row pair(Event left, Event right) {
        return Row.of(left.k, left.n, right.n);
    }

    private static void coGroup(List<Program> programs, String name, WindowAssigner<Object, TimeWindow> assigner) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> job.out(coGrouped(job).window(assigner).apply(new Groups()))));
    }

    private static CoGroupedStreams<Event, Event>.Where<String>.EqualTo coGrouped(Job job) {
        return job.stream("a").coGroup(job.stream("b")).where(event -> event.k).equalTo(event -> event.k);
    }

    private static final class Pairs extends ProcessJoinFunction<Event, Event, Row> {
        @Override
        public void processElement(Event left, Event right, Context context, Collector<Row> out) {
            out.collect(Row.of(left.k, left.n, right.n, context.getLeftTimestamp(), context.getRightTimestamp(), context.getTimestamp()));
        }
    }

    private static final class Groups implements CoGroupFunction<Event, Event, Row> {
        @Override
        public void coGroup(Iterable<Event> left, Iterable<Event> right, Collector<Row> out) {
            List<Long> leftIds = WindowFunctions.ids(left);
            List<Long> rightIds = WindowFunctions.ids(right);
            Collections.sort(leftIds);
            Collections.sort(rightIds);
            String key = (left.iterator().hasNext() ? left : right).iterator().next().k;
            out.collect(Row.of(key, leftIds, rightIds));
        }
    }
}

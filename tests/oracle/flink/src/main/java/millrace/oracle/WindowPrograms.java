package millrace.oracle;

import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Windows of event time: assigners, lateness, functions. */
final class WindowPrograms {
    private static final String INPUT = "disorder";

    private WindowPrograms() {}

    static Duration ms(long ms) {
        return Duration.ofMillis(ms);
    }

    static void add(List<Program> programs) {
        elements(programs, "window-tumbling", TumblingEventTimeWindows.of(ms(1000)));
        elements(programs, "window-tumbling-offset", TumblingEventTimeWindows.of(ms(1000), ms(300)));
        elements(programs, "window-tumbling-negative-offset", TumblingEventTimeWindows.of(ms(1000), ms(-300)));
        elements(programs, "window-sliding", SlidingEventTimeWindows.of(ms(1500), ms(500)));
        elements(programs, "window-sliding-uneven", SlidingEventTimeWindows.of(ms(1000), ms(300)));
        elements(programs, "window-sliding-gaps", SlidingEventTimeWindows.of(ms(500), ms(1500)));
        elements(programs, "window-sliding-offset", SlidingEventTimeWindows.of(ms(1500), ms(500), ms(120)));
        elements(programs, "window-session", EventTimeSessionWindows.withGap(ms(250)));
        elements(programs, "window-session-dynamic", EventTimeSessionWindows.withDynamicGap((Event event) -> 50 + event.v * 20));

        lateness(programs, "window-tumbling-lateness", TumblingEventTimeWindows.of(ms(1000)), 400);
        lateness(programs, "window-tumbling-late", TumblingEventTimeWindows.of(ms(1000)), 0);
        lateness(programs, "window-sliding-lateness", SlidingEventTimeWindows.of(ms(1500), ms(500)), 300);
        lateness(programs, "window-session-lateness", EventTimeSessionWindows.withGap(ms(250)), 400);
        lateness(programs, "window-session-late", EventTimeSessionWindows.withGap(ms(250)), 0);
        lateness(programs, "window-session-dynamic-lateness", EventTimeSessionWindows.withDynamicGap((Event event) -> 50 + event.v * 20), 400);

        aggregate(programs, "window-tumbling-aggregate", TumblingEventTimeWindows.of(ms(1000)), 0);
        aggregate(programs, "window-tumbling-aggregate-lateness", TumblingEventTimeWindows.of(ms(1000)), 600);
        aggregate(programs, "window-sliding-aggregate", SlidingEventTimeWindows.of(ms(1200), ms(400)), 0);
        aggregate(programs, "window-sliding-aggregate-lateness", SlidingEventTimeWindows.of(ms(1200), ms(400)), 300);
        aggregate(programs, "window-session-aggregate", EventTimeSessionWindows.withGap(ms(200)), 0);
        aggregate(programs, "window-session-aggregate-lateness", EventTimeSessionWindows.withGap(ms(200)), 500);
        programs.add(new Program("window-session-reduce", INPUT, Program.Order.KEY, job -> job.out(job.keyed("a")
                .window(EventTimeSessionWindows.withGap(ms(200)))
                .reduce(new WindowFunctions.SumValues(), new Reduced()))));
        programs.add(new Program("window-tumbling-apply", INPUT, Program.Order.KEY, job -> job.out(job.keyed("a")
                .window(TumblingEventTimeWindows.of(ms(700)))
                .<Row>apply((key, window, events, out) -> out.collect(Row.of(key, window.getEnd(), WindowFunctions.ids(events))))
                .returns(Row.class))));

        extremes(programs);
        programs.add(new Program("window-state", INPUT, Program.Order.KEY, job -> job.out(
                job.keyed("a").window(TumblingEventTimeWindows.of(ms(1000))).allowedLateness(ms(500)).process(new Firings()))));
        programs.add(new Program("window-of-windows", INPUT, Program.Order.KEY, WindowPrograms::twice));
        programs.add(new Program("window-all-tumbling", INPUT, Program.Order.TOTAL, job -> job.out(
                job.stream("a").windowAll(TumblingEventTimeWindows.of(ms(500))).process(new WindowFunctions.AllElements()))));
        programs.add(new Program("window-all-session-lateness", INPUT, Program.Order.TOTAL, job -> job.out(
                job.stream("a").windowAll(EventTimeSessionWindows.withGap(ms(60))).allowedLateness(ms(300)).process(new WindowFunctions.AllElements()))));
        programs.add(new Program("window-all-reduce", INPUT, Program.Order.TOTAL, job -> job.outEvents(
                job.stream("a").windowAll(SlidingEventTimeWindows.of(ms(900), ms(300))).reduce(new WindowFunctions.SumValues()))));
    }

    private static boolean isSession(WindowAssigner<?, ?> assigner) {
        return assigner.getClass().getSimpleName().contains("Session");
    }

    private static ProcessWindowFunction<Event, Row, String, TimeWindow> shown(WindowAssigner<?, ?> assigner) {
        return isSession(assigner) ? new WindowFunctions.SortedElements() : new WindowFunctions.Elements();
    }

    private static void elements(List<Program> programs, String name, WindowAssigner<? super Event, TimeWindow> assigner) {
        programs.add(new Program(name, INPUT, Program.Order.KEY,
                job -> job.out(job.keyed("a").window(assigner).process(shown(assigner)))));
    }

    private static void lateness(List<Program> programs, String name, WindowAssigner<? super Event, TimeWindow> assigner, long latenessMs) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> {
            OutputTag<Event> late = new OutputTag<>("late") {};
            SingleOutputStreamOperator<Row> rows = job.keyed("a")
                    .window(assigner)
                    .allowedLateness(ms(latenessMs))
                    .sideOutputLateData(late)
                    .process(shown(assigner));
            job.out(rows);
            job.outLate(rows.getSideOutput(late));
        }));
    }

    private static void aggregate(List<Program> programs, String name, WindowAssigner<? super Event, TimeWindow> assigner, long latenessMs) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> job.out(job.keyed("a")
                .window(assigner)
                .allowedLateness(ms(latenessMs))
                .aggregate(new WindowFunctions.CountAndSum(), new WindowFunctions.Total()))));
    }

    private static void extremes(List<Program> programs) {
        TumblingEventTimeWindows second = TumblingEventTimeWindows.of(ms(1000));
        programs.add(new Program("window-sum", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").window(second).sum("v"))));
        programs.add(new Program("window-min", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").window(second).min("v"))));
        programs.add(new Program("window-max", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").window(second).max("v"))));
        programs.add(new Program("window-min-by", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").window(second).minBy("v"))));
        programs.add(new Program("window-min-by-last", INPUT, Program.Order.KEY,
                job -> job.outEvents(job.keyed("a").window(second).minBy("v", false))));
        programs.add(new Program("window-max-by", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").window(second).maxBy("v"))));
        programs.add(new Program("window-max-by-last", INPUT, Program.Order.KEY,
                job -> job.outEvents(job.keyed("a").window(second).maxBy("v", false))));
    }

    /** The result of a window has its last millisecond as timestamp, so that it falls into the right window after it. */
    private static void twice(Job job) {
        DataStream<Event> sums = job.keyed("a").window(TumblingEventTimeWindows.of(ms(500))).reduce(new WindowFunctions.SumValues());
        job.out(sums.keyBy(event -> event.k).window(TumblingEventTimeWindows.of(ms(2000))).process(new WindowFunctions.Elements()));
    }

    private static final class Reduced extends ProcessWindowFunction<Event, Row, String, TimeWindow> {
        @Override
        public void process(String key, Context context, Iterable<Event> events, Collector<Row> out) {
            out.collect(Row.of(key, context.window().getStart(), context.window().getEnd(), events.iterator().next().v));
        }
    }

    /** Counts the firings of each window, and of all windows of the key; the window's own count is cleared with it. */
    private static final class Firings extends ProcessWindowFunction<Event, Row, String, TimeWindow> {
        private static final ValueStateDescriptor<Long> FIRED = new ValueStateDescriptor<>("fired", Long.class);

        @Override
        public void process(String key, Context context, Iterable<Event> events, Collector<Row> out) throws Exception {
            long inWindow = increment(context.windowState().getState(FIRED));
            long inAll = increment(context.globalState().getState(FIRED));
            out.collect(Row.of(key, context.window().getStart(), inWindow, inAll, WindowFunctions.ids(events)));
        }

        @Override
        public void clear(Context context) throws Exception {
            context.windowState().getState(FIRED).clear();
        }

        private static long increment(ValueState<Long> count) throws Exception {
            long next = count.value() == null ? 1 : count.value() + 1;
            count.update(next);
            return next;
        }
    }
}

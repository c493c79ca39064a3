package millrace.oracle;

import static millrace.oracle.WindowPrograms.ms;

import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.streaming.api.functions.co.CoFlatMapFunction;
import org.apache.flink.streaming.api.functions.co.CoMapFunction;
import org.apache.flink.streaming.api.functions.co.KeyedBroadcastProcessFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;

/** Operators with two inputs, unions, and how their watermarks and idleness combine. */
final class ConnectedPrograms {
    private static final String PAIRS = "pairs";
    private static final String IDLE = "idle";
    private static final String RULES = "rules";
    private static final MapStateDescriptor<String, Long> LIMITS = new MapStateDescriptor<>("limits", String.class, Long.class);

    private ConnectedPrograms() {}

    static void add(List<Program> programs) {
        programs.add(new Program("co-map", PAIRS, Program.Order.TOTAL, job -> job.out(job.stream("a").connect(job.stream("b")).map(new Sides()))));
        programs.add(new Program("co-flat-map", PAIRS, Program.Order.TOTAL,
                job -> job.out(job.stream("a").connect(job.stream("b")).flatMap(new Unequal()))));
        for (String input : List.of(PAIRS, IDLE)) {
            programs.add(new Program("co-process-timers-" + input, input, Program.Order.KEY,
                    job -> job.out(job.keyed("a").connect(job.keyed("b")).process(new Match()))));
            programs.add(new Program("union-watermarks-" + input, input, Program.Order.TOTAL,
                    job -> job.out(job.stream("a").union(job.stream("b")).process(new Watermarks()))));
            programs.add(new Program("union-window-" + input, input, Program.Order.KEY, job -> job.out(
                    job.stream("a").union(job.stream("b")).keyBy(event -> event.k).window(TumblingEventTimeWindows.of(ms(500)))
                            .process(new WindowFunctions.Elements()))));
        }
        programs.add(new Program("broadcast-state", RULES, Program.Order.TOTAL,
                job -> job.out(job.stream("data").connect(job.stream("rules").broadcast(LIMITS)).process(new Limits()))));
        programs.add(new Program("broadcast-state-keyed", RULES, Program.Order.KEY,
                job -> job.out(job.keyed("data").connect(job.stream("rules").broadcast(LIMITS)).process(new KeyedLimits()))));
    }

    private static final class Sides implements CoMapFunction<Event, Event, Row> {
        @Override
        public Row map1(Event event) {
            return Row.of(1, event.k, event.n);
        }

        @Override
        public Row map2(Event event) {
            return Row.of(2, event.k, event.n);
        }
    }

    private static final class Unequal implements CoFlatMapFunction<Event, Event, Row> {
        @Override
        public void flatMap1(Event event, Collector<Row> out) {
            for (long i = 0; i < event.v % 3; i++) out.collect(Row.of(1, event.n, i));
        }

        @Override
        public void flatMap2(Event event, Collector<Row> out) {
            if (event.v > 4) out.collect(Row.of(2, event.n, 0));
        }
    }

    /** Pairs the newest record of the first input with the next of the second; reports it when none comes in time. */
    private static final class Match extends KeyedCoProcessFunction<String, Event, Event, Row> {
        private transient ValueState<Event> open;

        @Override
        public void open(OpenContext context) {
            open = getRuntimeContext().getState(new ValueStateDescriptor<>("open", Event.class));
        }

        @Override
        public void processElement1(Event event, Context context, Collector<Row> out) throws Exception {
            if (open.value() != null) context.timerService().deleteEventTimeTimer(open.value().t + 200);
            open.update(event);
            context.timerService().registerEventTimeTimer(event.t + 200);
        }

        @Override
        public void processElement2(Event event, Context context, Collector<Row> out) throws Exception {
            long watermark = context.timerService().currentWatermark();
            Event first = open.value();
            out.collect(Row.of(event.k, "pair", first == null ? -1 : first.n, event.n, Row.time(watermark)));
            if (first == null) return;
            context.timerService().deleteEventTimeTimer(first.t + 200);
            open.clear();
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), "alone", open.value().n, time, Row.time(context.timerService().currentWatermark())));
            open.clear();
        }
    }

    /** The watermark that each record meets. */
    private static final class Watermarks extends ProcessFunction<Event, Row> {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) {
            out.collect(Row.of(event.n, Row.time(context.timerService().currentWatermark())));
        }
    }

    /** Lets through what is above the limit of its kind; a limit of 0 ends it. */
    private static final class Limits extends BroadcastProcessFunction<Event, Event, Row> {
        @Override
        public void processElement(Event event, ReadOnlyContext context, Collector<Row> out) throws Exception {
            Long limit = context.getBroadcastState(LIMITS).get(event.o);
            if (limit != null && event.v > limit) out.collect(Row.of(event.k, event.n, event.o, event.v, limit));
        }

        @Override
        public void processBroadcastElement(Event rule, Context context, Collector<Row> out) throws Exception {
            if (rule.v == 0) context.getBroadcastState(LIMITS).remove(rule.o);
            else context.getBroadcastState(LIMITS).put(rule.o, rule.v);
            int count = 0;
            for (Map.Entry<String, Long> ignored : context.getBroadcastState(LIMITS).entries()) count++;
            out.collect(Row.of("rule", rule.n, count));
        }
    }

    /** Sums what is above the limit per key; a new rule reports and clears the sums of all keys. */
    private static final class KeyedLimits extends KeyedBroadcastProcessFunction<String, Event, Event, Row> {
        private static final ValueStateDescriptor<Long> SUM = new ValueStateDescriptor<>("sum", Long.class);

        @Override
        public void processElement(Event event, ReadOnlyContext context, Collector<Row> out) throws Exception {
            Long limit = context.getBroadcastState(LIMITS).get(event.o);
            if (limit == null || event.v <= limit) return;
            ValueState<Long> sum = getRuntimeContext().getState(SUM);
            sum.update((sum.value() == null ? 0 : sum.value()) + event.v);
            context.timerService().registerEventTimeTimer(event.t + 100);
        }

        @Override
        public void processBroadcastElement(Event rule, Context context, Collector<Row> out) throws Exception {
            context.getBroadcastState(LIMITS).put(rule.o, rule.v);
            context.applyToKeyedState(SUM, (key, sum) -> {
                if (sum.value() != null) out.collect(Row.of(key, "rule", rule.n, sum.value()));
                sum.clear();
            });
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            ValueState<Long> sum = getRuntimeContext().getState(SUM);
            out.collect(Row.of(context.getCurrentKey(), "timer", time, sum.value() == null ? 0 : sum.value()));
        }
    }
}

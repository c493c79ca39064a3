package millrace.oracle;

import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Process functions with event-time timers and state. */
final class ProcessPrograms {
    private static final String INPUT = "disorder";

    private ProcessPrograms() {}

    static void add(List<Program> programs) {
        keyed(programs, "timer-dedup", new RoundedTimers());
        keyed(programs, "timer-delete", new Silence());
        keyed(programs, "timer-past", new PastTimers());
        keyed(programs, "timer-chain", new Chains());
        keyed(programs, "timer-at-end", new AtEnd());
        keyed(programs, "state-map-list", new DistinctValues());
        programs.add(new Program("process-side-output", INPUT, Program.Order.KEY, ProcessPrograms::sideOutput));
    }

    private static void keyed(List<Program> programs, String name, KeyedProcessFunction<String, Event, Row> function) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> job.out(job.keyed("a").process(function))));
    }

    private static void sideOutput(Job job) {
        OutputTag<Event> odd = new OutputTag<>("odd") {};
        SingleOutputStreamOperator<Row> even = job.stream("a").process(new ProcessFunction<Event, Row>() {
            @Override
            public void processElement(Event event, Context context, Collector<Row> out) {
                if (event.v % 2 == 1) context.output(odd, event);
                else out.collect(Row.of(event.k, event.n, context.timestamp(), Row.time(context.timerService().currentWatermark())));
            }
        });
        job.out(even);
        job.out(even.getSideOutput(odd).process(new ProcessFunction<Event, Row>() {
            @Override
            public void processElement(Event event, Context context, Collector<Row> out) {
                out.collect(Row.of("odd:" + event.k, event.n, context.timestamp()));
            }
        }));
    }

    private abstract static class Counting extends KeyedProcessFunction<String, Event, Row> {
        protected transient ValueState<Long> count;

        @Override
        public void open(OpenContext context) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
        }

        protected long counted() throws Exception {
            return count.value() == null ? 0 : count.value();
        }
    }

    /** Many registrations of the same timer are one. */
    private static final class RoundedTimers extends Counting {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            count.update(counted() + 1);
            context.timerService().registerEventTimeTimer(Math.floorDiv(event.t, 400) * 400 + 400);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), time, context.timestamp(), Row.time(context.timerService().currentWatermark()), counted()));
            count.clear();
        }
    }

    /** Reports a key after 300 ms without a record: every record replaces the timer of the one before it. */
    private static final class Silence extends Counting {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            if (count.value() != null) context.timerService().deleteEventTimeTimer(count.value());
            count.update(event.t + 300);
            context.timerService().registerEventTimeTimer(event.t + 300);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), time, count.value()));
            count.clear();
        }
    }

    /** A timer that is due already fires with the next watermark. */
    private static final class PastTimers extends Counting {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            count.update(counted() + 1);
            context.timerService().registerEventTimeTimer(event.t - 500);
            context.timerService().registerEventTimeTimer(event.t - 1000);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), time, Row.time(context.timerService().currentWatermark()), counted()));
        }
    }

    /** Timers register timers: those that are due fire in the same advance of the watermark. */
    private static final class Chains extends Counting {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            if (counted() > 0) return;
            count.update(4L);
            context.timerService().registerEventTimeTimer(event.t + 100);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), time, Row.time(context.timerService().currentWatermark()), counted()));
            count.update(counted() - 1);
            if (counted() > 0) context.timerService().registerEventTimeTimer(time + 150);
            else count.clear();
        }
    }

    /** A timer at the end of time fires when the input ends, before or after it none. */
    private static final class AtEnd extends Counting {
        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            count.update(counted() + event.v);
            context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
            out.collect(Row.of(context.getCurrentKey(), Row.time(time), Row.time(context.timerService().currentWatermark()), counted()));
        }
    }

    /** Which values a key has had: the first record of each in a map, all of them in a list that is emitted now and then. */
    private static final class DistinctValues extends KeyedProcessFunction<String, Event, Row> {
        private transient MapState<Long, Long> first;
        private transient ListState<Long> seen;

        @Override
        public void open(OpenContext context) {
            first = getRuntimeContext().getMapState(new MapStateDescriptor<>("first", Long.class, Long.class));
            seen = getRuntimeContext().getListState(new ListStateDescriptor<>("seen", Long.class));
        }

        @Override
        public void processElement(Event event, Context context, Collector<Row> out) throws Exception {
            seen.add(event.n);
            if (first.contains(event.v)) {
                out.collect(Row.of(event.k, event.n, first.get(event.v)));
                return;
            }
            first.put(event.v, event.n);
            if (event.v != 7) return;
            java.util.List<Long> all = new java.util.ArrayList<>();
            seen.get().forEach(all::add);
            out.collect(Row.of(event.k, all));
            seen.clear();
            first.remove(7L);
        }
    }
}

package millrace.oracle;

import static millrace.oracle.WindowPrograms.ms;

import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.streaming.api.functions.windowing.delta.DeltaFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.GlobalWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.evictors.CountEvictor;
import org.apache.flink.streaming.api.windowing.evictors.DeltaEvictor;
import org.apache.flink.streaming.api.windowing.evictors.Evictor;
import org.apache.flink.streaming.api.windowing.evictors.TimeEvictor;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousEventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.CountTrigger;
import org.apache.flink.streaming.api.windowing.triggers.DeltaTrigger;
import org.apache.flink.streaming.api.windowing.triggers.EventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.PurgingTrigger;
import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.triggers.TriggerResult;
import org.apache.flink.streaming.api.windowing.windows.GlobalWindow;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;

/** Count windows, triggers and evictors. */
final class TriggerPrograms {
    private static final String INPUT = "disorder";
    private static final DeltaFunction<Event> DISTANCE = (before, now) -> now.v - before.v;

    private TriggerPrograms() {}

    static void add(List<Program> programs) {
        programs.add(new Program("count-tumbling", INPUT, Program.Order.KEY,
                job -> job.out(job.keyed("a").countWindow(3).process(new WindowFunctions.GlobalElements()))));
        programs.add(new Program("count-sliding", INPUT, Program.Order.KEY,
                job -> job.out(job.keyed("a").countWindow(5, 2).process(new WindowFunctions.GlobalElements()))));
        programs.add(new Program("count-sliding-sum", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").countWindow(4, 3).sum("v"))));
        programs.add(new Program("count-all-tumbling", INPUT, Program.Order.TOTAL,
                job -> job.out(job.stream("a").countWindowAll(4).process(new WindowFunctions.AllGlobalElements()))));
        programs.add(new Program("count-all-sliding", INPUT, Program.Order.TOTAL,
                job -> job.out(job.stream("a").countWindowAll(6, 4).process(new WindowFunctions.AllGlobalElements()))));

        global(programs, "trigger-count-global", CountTrigger.of(4), null);
        global(programs, "trigger-purging-count-global", PurgingTrigger.of(CountTrigger.of(4)), null);
        programs.add(new Program("trigger-end-of-stream", INPUT, Program.Order.KEY, job -> job.out(
                job.keyed("a").window(GlobalWindows.createWithEndOfStreamTrigger()).process(new WindowFunctions.GlobalElements()))));
        programs.add(new Program("trigger-delta-global", INPUT, Program.Order.KEY, job -> job.out(job.keyed("a")
                .window(GlobalWindows.create()).trigger(PurgingTrigger.of(DeltaTrigger.of(4, DISTANCE, serializer())))
                .process(new WindowFunctions.GlobalElements()))));

        TumblingEventTimeWindows second = TumblingEventTimeWindows.of(ms(1000));
        timed(programs, "trigger-count-tumbling", second, 0, CountTrigger.of(2));
        timed(programs, "trigger-count-sliding", SlidingEventTimeWindows.of(ms(1000), ms(500)), 0, CountTrigger.of(3));
        timed(programs, "trigger-count-session", EventTimeSessionWindows.withGap(ms(250)), 0, CountTrigger.of(3));
        timed(programs, "trigger-continuous", second, 0, ContinuousEventTimeTrigger.of(ms(250)));
        timed(programs, "trigger-continuous-lateness", second, 500, ContinuousEventTimeTrigger.of(ms(300)));
        timed(programs, "trigger-continuous-session", EventTimeSessionWindows.withGap(ms(250)), 0, ContinuousEventTimeTrigger.of(ms(200)));
        timed(programs, "trigger-purging-continuous", second, 0, PurgingTrigger.of(ContinuousEventTimeTrigger.of(ms(250))));
        timed(programs, "trigger-purging-lateness", second, 600, PurgingTrigger.of(EventTimeTrigger.create()));
        timed(programs, "trigger-custom", second, 300, new EveryLargeValue());

        global(programs, "evictor-count-before", CountTrigger.of(3), CountEvictor.of(4));
        global(programs, "evictor-count-after", CountTrigger.of(3), CountEvictor.of(2, true));
        global(programs, "evictor-time-before", CountTrigger.of(3), TimeEvictor.of(ms(400)));
        global(programs, "evictor-time-after", CountTrigger.of(3), TimeEvictor.of(ms(400), true));
        global(programs, "evictor-delta-before", CountTrigger.of(3), DeltaEvictor.of(2, DISTANCE));
        global(programs, "evictor-delta-after", CountTrigger.of(3), DeltaEvictor.of(2, DISTANCE, true));
        programs.add(new Program("evictor-tumbling-lateness", INPUT, Program.Order.KEY, job -> job.out(job.keyed("a")
                .window(second).allowedLateness(ms(600)).evictor(CountEvictor.of(3, true)).process(new WindowFunctions.Elements()))));
        programs.add(new Program("evictor-reduce", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a")
                .window(second).evictor(TimeEvictor.of(ms(300))).reduce(new WindowFunctions.SumValues()))));
    }

    private static TypeSerializer<Event> serializer() {
        return TypeInformation.of(Event.class).createSerializer(new SerializerConfigImpl());
    }

    private static void global(List<Program> programs, String name, Trigger<Object, ? super GlobalWindow> trigger, Evictor<? super Event, ? super GlobalWindow> evictor) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> {
            var windows = job.keyed("a").window(GlobalWindows.create()).trigger(trigger);
            job.out((evictor == null ? windows : windows.evictor(evictor)).process(new WindowFunctions.GlobalElements()));
        }));
    }

    private static void timed(List<Program> programs, String name, WindowAssigner<Object, TimeWindow> assigner, long latenessMs,
            Trigger<? super Event, ? super TimeWindow> trigger) {
        programs.add(new Program(name, INPUT, Program.Order.KEY, job -> job.out(
                job.keyed("a").window(assigner).trigger(trigger).allowedLateness(ms(latenessMs)).process(new WindowFunctions.SortedElements()))));
    }

    /** Fires for a value of 8 or more, half-way through the window, and purges at its end. */
    private static final class EveryLargeValue extends Trigger<Event, TimeWindow> {
        @Override
        public TriggerResult onElement(Event event, long timestamp, TimeWindow window, TriggerContext context) {
            context.registerEventTimeTimer(window.getStart() + 500);
            context.registerEventTimeTimer(window.maxTimestamp());
            return event.v >= 8 ? TriggerResult.FIRE : TriggerResult.CONTINUE;
        }

        @Override
        public TriggerResult onEventTime(long time, TimeWindow window, TriggerContext context) {
            return time == window.maxTimestamp() ? TriggerResult.FIRE_AND_PURGE : TriggerResult.FIRE;
        }

        @Override
        public TriggerResult onProcessingTime(long time, TimeWindow window, TriggerContext context) {
            return TriggerResult.CONTINUE;
        }

        @Override
        public void clear(TimeWindow window, TriggerContext context) {
            context.deleteEventTimeTimer(window.getStart() + 500);
            context.deleteEventTimeTimer(window.maxTimestamp());
        }
    }
}

package millrace.oracle;

import static millrace.oracle.WindowPrograms.ms;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.functions.TimedOutPartialMatchHandler;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.WithinType;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Patterns over a stream of letters: contiguity, quantifiers, conditions, time limits. */
final class CepPrograms {
    private static final String INPUT = "letters";

    private CepPrograms() {}

    static void add(List<Program> programs) {
        contiguity(programs);
        quantifiers(programs);
        conditions(programs);
        limits(programs);
    }

    private static void contiguity(List<Program> programs) {
        cep(programs, "cep-next", a().next("b").where(is("b")));
        cep(programs, "cep-followed-by", a().followedBy("b").where(is("b")));
        cep(programs, "cep-followed-by-any", a().followedByAny("b").where(is("b")).within(ms(300)));
        cep(programs, "cep-not-next", a().notNext("x").where(is("b")).followedBy("c").where(is("c")));
        cep(programs, "cep-not-followed-by", a().notFollowedBy("x").where(is("b")).followedBy("c").where(is("c")));
        cep(programs, "cep-not-followed-by-within", a().notFollowedBy("x").where(is("b")).within(ms(120)));
        cep(programs, "cep-three-stages", a().followedBy("b").where(is("b")).next("c").where(is("c")));
    }

    private static void quantifiers(List<Program> programs) {
        cep(programs, "cep-times", a().times(2).followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-times-range", a().times(2, 3).followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-times-or-more", a().timesOrMore(2).followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-one-or-more", a().oneOrMore().followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-one-or-more-consecutive", a().oneOrMore().consecutive().followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-one-or-more-combinations", a().oneOrMore().allowCombinations().followedBy("c").where(is("c")).within(ms(150)));
        cep(programs, "cep-one-or-more-greedy", a().oneOrMore().greedy().followedBy("c").where(is("c")).within(ms(200)));
        cep(programs, "cep-times-consecutive", a().times(2).consecutive().next("b").where(is("b")));
        cep(programs, "cep-optional", a().followedBy("b").where(is("b")).optional().followedBy("c").where(is("c")).within(ms(150)));
        cep(programs, "cep-optional-next", a().next("b").where(is("b")).optional().next("c").where(is("c")));
        cep(programs, "cep-zero-or-more", a().followedBy("b").where(is("b")).oneOrMore().optional().followedBy("c").where(is("c")).within(ms(120)));
        cep(programs, "cep-zero-or-more-greedy",
                a().followedBy("b").where(is("b")).oneOrMore().optional().greedy().followedBy("c").where(is("c")).within(ms(120)));
        cep(programs, "cep-times-optional", a().next("b").where(is("b")).times(2).optional().followedBy("c").where(is("c")).within(ms(150)));
        cep(programs, "cep-group-times", Pattern.begin(a().next("b").where(is("b"))).times(2).followedBy("c").where(is("c")).within(ms(400)));
        cep(programs, "cep-group-optional",
                a().followedBy(Pattern.<Event>begin("b").where(is("b")).next("d").where(is("d"))).optional().followedBy("c").where(is("c")).within(ms(150)));
    }

    private static void conditions(List<Program> programs) {
        cep(programs, "cep-until", a().oneOrMore().until(is("d")).followedBy("c").where(is("c")).within(ms(250)));
        cep(programs, "cep-or", Pattern.<Event>begin("a").where(is("a")).or(is("d")).next("b").where(is("b")));
        cep(programs, "cep-where-twice", a().where(valueAtLeast(5)).followedBy("b").where(is("b")).where(valueAtLeast(5)));
        cep(programs, "cep-iterative", Pattern.<Event>begin("a").where(is("a")).followedBy("rising").where(new Rising()).oneOrMore().within(ms(120)));
        cep(programs, "cep-iterative-start",
                a().followedByAny("b").where(is("b")).where(new LargerThanStart()).within(ms(200)));
    }

    private static void limits(List<Program> programs) {
        cep(programs, "cep-within", a().followedBy("b").where(is("b")).followedBy("c").where(is("c")).within(ms(100)));
        cep(programs, "cep-within-previous-and-current",
                a().followedBy("b").where(is("b")).within(ms(40), WithinType.PREVIOUS_AND_CURRENT).followedBy("c").where(is("c")));
        timedOut(programs, "cep-timed-out", a().followedBy("b").where(is("b")).followedBy("c").where(is("c")).within(ms(60)));
        timedOut(programs, "cep-timed-out-loop", a().oneOrMore().followedBy("c").where(is("c")).within(ms(80)));
        programs.add(new Program("cep-late", INPUT, Program.Order.NONE, job -> {
            OutputTag<Event> late = new OutputTag<>("late") {};
            SingleOutputStreamOperator<Row> rows = CEP.pattern(job.keyed("a"), a().next("b").where(is("b")))
                    .sideOutputLateData(late)
                    .process(new Matches());
            job.out(rows);
            job.outLate(rows.getSideOutput(late));
        }));
        programs.add(new Program("cep-not-keyed", INPUT, Program.Order.NONE,
                job -> job.out(CEP.pattern(job.stream("a"), a().next("b").where(is("b"))).process(new Matches()))));
    }

    static void cep(List<Program> programs, String name, Pattern<Event, ?> pattern) {
        programs.add(new Program(name, INPUT, Program.Order.NONE, job -> job.out(CEP.pattern(job.keyed("a"), pattern).process(new Matches()))));
    }

    private static void timedOut(List<Program> programs, String name, Pattern<Event, ?> pattern) {
        programs.add(new Program(name, INPUT, Program.Order.NONE, job -> {
            OutputTag<Row> timedOut = new OutputTag<>("timed-out") {};
            SingleOutputStreamOperator<Row> rows = CEP.pattern(job.keyed("a"), pattern).process(new MatchesAndTimeouts(timedOut));
            job.out(rows);
            job.out(rows.getSideOutput(timedOut));
        }));
    }

    static Pattern<Event, Event> a() {
        return Pattern.<Event>begin("a").where(is("a"));
    }

    static SimpleCondition<Event> is(String letter) {
        return SimpleCondition.of(event -> event.o.equals(letter));
    }

    private static SimpleCondition<Event> valueAtLeast(long value) {
        return SimpleCondition.of(event -> event.v >= value);
    }

    private static Row row(String label, Map<String, List<Event>> match, Object... more) {
        List<Object> values = new java.util.ArrayList<>();
        values.add(label + match.values().iterator().next().get(0).k);
        new TreeMap<>(match).forEach((name, events) -> {
            values.add(name);
            values.add(WindowFunctions.ids(events));
        });
        values.addAll(List.of(more));
        return Row.of(values.toArray());
    }

    static final class Matches extends PatternProcessFunction<Event, Row> {
        @Override
        public void processMatch(Map<String, List<Event>> match, Context context, Collector<Row> out) {
            out.collect(row("", match, context.timestamp()));
        }
    }

    private static final class MatchesAndTimeouts extends PatternProcessFunction<Event, Row> implements TimedOutPartialMatchHandler<Event> {
        private final OutputTag<Row> timedOut;

        MatchesAndTimeouts(OutputTag<Row> timedOut) {
            this.timedOut = timedOut;
        }

        @Override
        public void processMatch(Map<String, List<Event>> match, Context context, Collector<Row> out) {
            out.collect(row("", match, context.timestamp()));
        }

        @Override
        public void processTimedOutMatch(Map<String, List<Event>> match, Context context) {
            context.output(timedOut, row("timed out:", match, context.timestamp()));
        }
    }

    /** Every next record is larger than the one before it. */
    private static final class Rising extends IterativeCondition<Event> {
        @Override
        public boolean filter(Event event, Context<Event> context) throws Exception {
            long last = Long.MIN_VALUE;
            for (Event before : context.getEventsForPattern("rising")) last = before.v;
            return event.v > last;
        }
    }

    private static final class LargerThanStart extends IterativeCondition<Event> {
        @Override
        public boolean filter(Event event, Context<Event> context) throws Exception {
            return event.v > context.getEventsForPattern("a").iterator().next().v;
        }
    }
}

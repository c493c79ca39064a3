package millrace.oracle;

import java.util.List;

/** Running aggregates of a keyed stream: they go by arrival, whatever the timestamps say. */
final class RollingPrograms {
    private static final String INPUT = "disorder";

    private RollingPrograms() {}

    static void add(List<Program> programs) {
        programs.add(new Program("rolling-reduce", INPUT, Program.Order.KEY,
                job -> job.outEvents(job.keyed("a").reduce(new WindowFunctions.SumValues()))));
        programs.add(new Program("rolling-sum", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").sum("v"))));
        programs.add(new Program("rolling-min", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").min("v"))));
        programs.add(new Program("rolling-max", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").max("v"))));
        programs.add(new Program("rolling-min-by", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").minBy("v"))));
        programs.add(new Program("rolling-min-by-last", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").minBy("v", false))));
        programs.add(new Program("rolling-max-by", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").maxBy("v"))));
        programs.add(new Program("rolling-max-by-last", INPUT, Program.Order.KEY, job -> job.outEvents(job.keyed("a").maxBy("v", false))));
    }
}

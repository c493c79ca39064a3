package millrace.oracle;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;

/** Runs the programs, or those named, and writes their rows: {@code Main FOLDER [PROGRAM...]}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        List<String> names = List.of(args).subList(1, args.length);
        List<Program> programs = new ArrayList<>();
        WindowPrograms.add(programs);
        TriggerPrograms.add(programs);
        RollingPrograms.add(programs);
        ProcessPrograms.add(programs);
        ConnectedPrograms.add(programs);
        JoinPrograms.add(programs);
        CepPrograms.add(programs);
        CepSkipPrograms.add(programs);
        NexmarkPrograms.add(programs);
        for (Program program : programs) {
            if (!names.isEmpty() && names.stream().noneMatch(program.name()::startsWith)) continue;
            List<String> rows = run(program, folder.resolve("inputs").resolve(program.input() + ".jsonl"));
            Files.write(folder.resolve("rows").resolve(program.name() + ".jsonl"), rows);
            System.out.println(program.name() + ": " + rows.size() + " rows");
        }
        System.exit(0);
    }

    private static List<String> run(Program program, Path input) throws Exception {
        Configuration configuration = new Configuration();
        configuration.setString("pipeline.generic-types", "true");
        configuration.setString("rest.port", "0");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
        env.setBufferTimeout(0);
        Job job = new Job(env, Line.read(input));
        program.build().build(job);
        StreamGraph graph = env.getStreamGraph();
        RowSink.ROWS.clear();
        Turns.start(graph.getJobGraph().getNumberOfVertices(), job);
        env.execute(graph);
        return ordered(program.order(), new ArrayList<>(RowSink.ROWS));
    }

    private static List<String> ordered(Program.Order order, List<Row> rows) {
        if (order == Program.Order.KEY) rows.sort(Comparator.comparing((Row row) -> row.key));
        if (order == Program.Order.NONE) rows.sort(Comparator.comparing((Row row) -> row.json));
        return rows.stream().map(row -> row.json).toList();
    }
}

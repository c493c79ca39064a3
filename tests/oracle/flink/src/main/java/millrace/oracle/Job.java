package millrace.oracle;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** What a program is built with: the streams of its input, and where its rows go. */
final class Job {
    final StreamExecutionEnvironment env;
    private final List<Line> lines;
    private final List<String> streams = new ArrayList<>();

    Job(StreamExecutionEnvironment env, List<Line> lines) {
        this.env = env;
        this.lines = lines;
    }

    /** The stream with its own watermarks; each may be asked for once. */
    DataStream<Event> stream(String name) {
        streams.add(name);
        return env.fromSource(
                new LineSource(lines, name, streams.size() - 1), WatermarkStrategy.noWatermarks(), name, TypeInformation.of(Event.class));
    }

    /** The first line from {@code index} on that some stream of the program emits; behind the last line every index is used. */
    int firstUsed(int index) {
        int used = index;
        while (used < lines.size() && !streams.contains(lines.get(used).stream())) used++;
        return used;
    }

    KeyedStream<Event, String> keyed(String name) {
        return stream(name).keyBy(event -> event.k);
    }

    void out(DataStream<Row> rows) {
        rows.sinkTo(new RowSink());
    }

    /** The records themselves, as key and identity with the value that may have been computed. */
    void outEvents(DataStream<Event> events) {
        out(events.map(event -> Row.of(event.k, event.n, event.v, event.t)));
    }

    void outLate(DataStream<Event> events) {
        out(events.map(Row::late));
    }
}

package millrace.oracle;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Collects the rows of the one job that runs in this process. */
final class RowSink implements Sink<Row> {
    static final List<Row> ROWS = new CopyOnWriteArrayList<>();

    @Override
    public SinkWriter<Row> createWriter(WriterInitContext context) {
        return new SinkWriter<>() {
            @Override
            public void write(Row row, Context ignored) {
                ROWS.add(row);
            }

            @Override
            public void flush(boolean endOfInput) {}

            @Override
            public void close() {}
        };
    }
}

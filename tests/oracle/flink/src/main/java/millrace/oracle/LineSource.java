package millrace.oracle;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Emits the lines of one stream of an input file, each in its turn, and ends after the last line of the file. */
final class LineSource implements Source<Event, LineSource.NoSplit, Integer> {
    record NoSplit() implements SourceSplit {
        @Override
        public String splitId() {
            return "";
        }
    }

    private final List<Line> lines;
    private final String stream;
    /** Which of the job's streams this is: they end in this order. */
    private final int streamIndex;

    LineSource(List<Line> lines, String stream, int streamIndex) {
        this.lines = lines;
        this.stream = stream;
        this.streamIndex = streamIndex;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.BOUNDED;
    }

    @Override
    public SourceReader<Event, NoSplit> createReader(SourceReaderContext context) {
        return new Reader();
    }

    @Override
    public SplitEnumerator<NoSplit, Integer> createEnumerator(SplitEnumeratorContext<NoSplit> context) {
        return new NoSplits();
    }

    @Override
    public SplitEnumerator<NoSplit, Integer> restoreEnumerator(SplitEnumeratorContext<NoSplit> context, Integer state) {
        return new NoSplits();
    }

    @Override
    public SimpleVersionedSerializer<NoSplit> getSplitSerializer() {
        return new Empty<>(new NoSplit());
    }

    @Override
    public SimpleVersionedSerializer<Integer> getEnumeratorCheckpointSerializer() {
        return new Empty<>(0);
    }

    private final class Reader implements SourceReader<Event, NoSplit> {
        private int index;

        @Override
        public void start() {}

        /** Waits in here for its turn: without checkpoints nothing else has to run on this thread. */
        @Override
        public InputStatus pollNext(ReaderOutput<Event> output) {
            while (index < lines.size() && !lines.get(index).stream().equals(stream)) index++;
            if (index >= lines.size()) {
                Turns.await(lines.size() + streamIndex);
                Turns.done();
                return InputStatus.END_OF_INPUT;
            }
            Turns.await(index);
            emit(lines.get(index++), output);
            Turns.done();
            return InputStatus.MORE_AVAILABLE;
        }

        private void emit(Line line, ReaderOutput<Event> output) {
            if (line.event() != null) {
                output.markActive();
                output.collect(line.event(), line.event().t);
            } else if (line.watermark() != null) output.emitWatermark(new Watermark(line.watermark()));
            else output.markIdle();
        }

        @Override
        public List<NoSplit> snapshotState(long checkpointId) {
            return List.of();
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void addSplits(List<NoSplit> splits) {}

        @Override
        public void notifyNoMoreSplits() {}

        @Override
        public void close() {}
    }

    private static final class NoSplits implements SplitEnumerator<NoSplit, Integer> {
        @Override
        public void start() {}

        @Override
        public void handleSplitRequest(int subtask, String host) {}

        @Override
        public void addSplitsBack(List<NoSplit> splits, int subtask) {}

        @Override
        public void addReader(int subtask) {}

        @Override
        public Integer snapshotState(long checkpointId) {
            return 0;
        }

        @Override
        public void close() {}
    }

    private record Empty<T>(T value) implements SimpleVersionedSerializer<T> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(T ignored) {
            return new byte[0];
        }

        @Override
        public T deserialize(int version, byte[] bytes) {
            return value;
        }
    }
}

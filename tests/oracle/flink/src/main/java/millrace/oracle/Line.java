package millrace.oracle;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** One step of an input: a record, a watermark ("w") or silence from here on ("idle") of one stream. */
record Line(String stream, Event event, Long watermark) implements Serializable {

    static List<Line> read(Path file) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<Line> lines = new ArrayList<>();
        for (String text : Files.readAllLines(file)) lines.add(of(json.readTree(text), lines.size()));
        return lines;
    }

    private static Line of(JsonNode node, int index) {
        String stream = node.get("s").asText();
        if (node.has("w")) return new Line(stream, null, node.get("w").asLong());
        if (node.has("idle")) return new Line(stream, null, null);
        Event event = new Event();
        event.s = stream;
        event.k = node.get("k").asText();
        event.o = node.path("o").asText("");
        event.v = node.path("v").asLong(0);
        event.t = node.get("t").asLong();
        event.n = index;
        return new Line(stream, event, null);
    }
}

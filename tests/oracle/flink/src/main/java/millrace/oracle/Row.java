package millrace.oracle;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** A result: a JSON array whose first value is what it is ordered by. */
public final class Row {
    private static final ObjectMapper JSON = new ObjectMapper();

    public String key = "";
    public String json = "";

    public Row() {}

    static Row of(Object... values) {
        Row row = new Row();
        row.key = String.valueOf(values[0]);
        try {
            row.json = JSON.writeValueAsString(values);
        } catch (JsonProcessingException cause) {
            throw new IllegalStateException(cause);
        }
        return row;
    }

    /** What came too late: ordered on its own. */
    static Row late(Event event) {
        return Row.of("late:" + event.k, event.n);
    }

    /** The ends of time differ between the engines, so they have names. */
    static Object time(long ms) {
        if (ms == Long.MAX_VALUE) return "max";
        if (ms == Long.MIN_VALUE) return "min";
        return ms;
    }
}

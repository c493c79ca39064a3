package millrace.oracle;

/** A record of an input file. Public fields and an empty constructor make it a POJO, so that "v" can be summed by name. */
public final class Event implements java.io.Serializable {
    /** The stream that the record belongs to. */
    public String s = "";
    /** Its key, another key, and a number. */
    public String k = "";
    public String o = "";
    public long v;
    /** Event time in epoch milliseconds. */
    public long t;
    /** The line of the input file, counted from 0: the identity of the record. */
    public long n;

    public Event() {}
}

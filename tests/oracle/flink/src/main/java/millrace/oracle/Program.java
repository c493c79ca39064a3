package millrace.oracle;

/** A small job over one input file. */
record Program(String name, String input, Order order, Build build) {
    /** Which order of the rows the program defines. */
    enum Order {
        /** All rows in the order they come; the program has parallelism 1. */
        TOTAL,
        /** Rows with the same first value in the order they come. */
        KEY,
        /** None: they are sorted. */
        NONE
    }

    interface Build {
        void build(Job job) throws Exception;
    }
}

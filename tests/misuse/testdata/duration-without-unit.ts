import { TumblingEventTimeWindows } from "millrace";

// expect-error: '"5 minutes"' is not assignable to parameter of type 'Duration'
TumblingEventTimeWindows.of("5 minutes");

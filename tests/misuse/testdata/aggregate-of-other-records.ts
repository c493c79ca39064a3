import { TumblingEventTimeWindows } from "millrace";
import { counting, texts } from "../flights.ts";

// expect-error: Argument of type 'AggregateFunction<Flight, { count: number; }, number>' is not assignable to parameter of type 'AggregateFunction<string,
texts.windowAll(TumblingEventTimeWindows.of("1 h")).aggregate(counting);

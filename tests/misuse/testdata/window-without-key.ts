import { TumblingEventTimeWindows } from "millrace";
import { flights } from "../flights.ts";

// expect-error: Property 'window' does not exist on type 'DataStream<Flight>'
flights.window(TumblingEventTimeWindows.of("1 h"));

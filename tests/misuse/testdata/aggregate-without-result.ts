import { TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

// expect-error: Property 'getResult' is missing in type
byOrigin.window(TumblingEventTimeWindows.of("1 h")).aggregate({ createAccumulator: () => 0, add: (_, n) => n + 1 });

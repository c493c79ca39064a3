import { TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

byOrigin.window(TumblingEventTimeWindows.of("1 h")).apply<number>((_origin, _window, flights, out) => {
  // expect-error: Property 'length' does not exist on type 'Iterable<Flight
  out.collect(flights.length);
});

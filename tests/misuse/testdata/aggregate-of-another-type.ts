import { TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

byOrigin.window(TumblingEventTimeWindows.of("1 h")).aggregate({
  createAccumulator: () => 0,
  // expect-error: Type 'string' is not assignable to type 'number'
  add: (flight, _total) => flight.origin,
  getResult: (total) => total,
});

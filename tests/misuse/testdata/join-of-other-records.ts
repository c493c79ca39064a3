import { TumblingEventTimeWindows } from "millrace";
import { flights, texts } from "../flights.ts";

flights
  .join(texts)
  .where((flight) => flight.origin)
  .equalTo((text) => text)
  .window(TumblingEventTimeWindows.of("1 h"))
  // expect-error: Property 'delay' does not exist on type 'string'
  .apply((flight, text) => flight.delay + text.delay);

import { TumblingEventTimeWindows } from "millrace";
import { flights, texts } from "../flights.ts";

flights
  .coGroup(texts)
  .where((flight) => flight.origin)
  .equalTo((text) => text)
  .window(TumblingEventTimeWindows.of("1 h"))
  // expect-error: Type 'number' is not assignable to type 'Iterable<
  .apply((left, right) => left.length + right.length);

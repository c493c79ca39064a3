import { flights, texts } from "../flights.ts";

flights.connect(texts).map({
  map1: (flight) => flight.delay,
  // expect-error: Type 'string' is not assignable to type 'number'
  map2: (text) => text,
});

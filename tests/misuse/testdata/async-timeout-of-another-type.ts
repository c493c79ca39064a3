import { flights } from "../flights.ts";

flights.mapAsync(async (flight) => flight.delay, {
  timeout: "5 s",
  // expect-error: Type 'string' is not assignable to type 'number'
  onTimeout: (flight) => flight.origin,
});

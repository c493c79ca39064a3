import { flights } from "../flights.ts";

// expect-error: Type 'string' is not assignable to type 'number'
flights.mapAsync(async (flight) => flight.delay, { capacity: "10" });

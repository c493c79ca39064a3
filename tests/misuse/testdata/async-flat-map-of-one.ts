import { flights } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'Iterable<
flights.flatMapAsync(async (flight) => flight.delay);

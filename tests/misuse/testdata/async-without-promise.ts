import { flights } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'PromiseLike<
flights.mapAsync((flight) => flight.delay);

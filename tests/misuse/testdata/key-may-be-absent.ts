import { flights } from "../flights.ts";

// expect-error: Type 'undefined' is not assignable to type 'KeyNotAllowed'
flights.keyBy((flight) => flight.gate);

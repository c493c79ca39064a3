import { flights } from "../flights.ts";

// expect-error: a key is a string, number, bigint, boolean, or a tuple or object of them
flights.keyBy((flight) => flight.landed);

import { flights, texts } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'string'
flights.connect(texts).keyBy((flight) => flight.origin, (text) => text.length);

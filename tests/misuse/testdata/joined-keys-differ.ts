import { flights, texts } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'string'
flights.join(texts).where((flight) => flight.origin).equalTo((text) => text.length);

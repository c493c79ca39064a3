import { flights } from "../flights.ts";

// expect-error: Type 'string' is not assignable to type 'number'
flights.partitionCustom((key: number, count) => key % count, (flight) => flight.origin);

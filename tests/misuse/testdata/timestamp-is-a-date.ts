import { flights } from "../flights.ts";

// expect-error: Type 'Date' is not assignable to type 'number'
flights.assignTimestampsAndWatermarks({ boundedOutOfOrderness: "1 min", timestamp: (flight) => flight.landed });

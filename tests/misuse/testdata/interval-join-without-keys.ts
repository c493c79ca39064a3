import { flights } from "../flights.ts";

// expect-error: Property 'intervalJoin' does not exist on type 'DataStream<Flight>'
flights.intervalJoin(flights);

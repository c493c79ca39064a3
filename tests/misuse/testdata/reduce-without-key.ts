import { flights } from "../flights.ts";

// expect-error: Property 'reduce' does not exist on type 'DataStream<Flight>'
flights.reduce();

import { flights } from "../flights.ts";

// expect-error: Property 'delays' does not exist on type 'Flight'
flights.map((flight) => flight.delays);

import { flights } from "../flights.ts";

// expect-error: "a function on the data path must not return a Promise"
flights.map(async (flight) => flight.delay);

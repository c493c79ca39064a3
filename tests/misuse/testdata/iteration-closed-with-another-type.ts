import { flights } from "../flights.ts";

const loop = flights.iterate();
// expect-error: Type 'number' is not assignable to type 'Flight'
loop.closeWith(loop.map((flight) => flight.delay));

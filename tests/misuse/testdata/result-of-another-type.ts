import { flights } from "../flights.ts";

flights.process<number>({
  processElement: (flight, _context, out) => {
    // expect-error: Argument of type 'string' is not assignable to parameter of type 'number'
    out.collect(flight.origin);
  },
});

import { flights } from "../flights.ts";

// expect-error: 'Promise<void>' is not assignable to type 'void
flights.process<number>({ processElement: async (flight, _context, out) => out.collect(flight.delay) });

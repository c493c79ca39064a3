import { flights } from "../flights.ts";

// expect-error: Argument of type 'string' is not assignable to parameter of type 'OutputTag<
flights.map((flight) => flight.delay).getSideOutput("late");

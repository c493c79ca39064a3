import type { Sink } from "millrace";
import { flights } from "../flights.ts";

declare const numbers: Sink<number>;
// expect-error: Argument of type 'Sink<number, never, never>' is not assignable to parameter of type 'Sink<Flight
flights.sinkTo(numbers);

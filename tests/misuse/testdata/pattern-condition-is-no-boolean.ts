import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'boolean'
CEP.pattern(flights, (start) => start.begin("late").where((flight) => flight.delay));

import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

// expect-error: Type 'Promise<boolean>' is not assignable to type 'boolean'
CEP.pattern(flights, (start) => start.begin("late").where(async (flight) => flight.delay > 15));

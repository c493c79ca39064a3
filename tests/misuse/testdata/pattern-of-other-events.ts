import { CEP, Pattern } from "@millrace/cep";
import { type Flight, texts } from "../flights.ts";

const late = Pattern.of<Flight>().begin("late").where((flight) => flight.delay > 15);
// expect-error: Type 'string' is not assignable to type 'Flight'
CEP.pattern(texts, late);

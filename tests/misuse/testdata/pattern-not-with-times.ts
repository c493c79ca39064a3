import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

// expect-error: Type '"not"' is not assignable to type '"stage"'
CEP.pattern(flights, (start) => start.begin("late").notNext("later").oneOrMore());

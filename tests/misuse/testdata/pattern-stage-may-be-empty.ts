import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

CEP.pattern(flights, (start) => start.begin("late").next("later").optional()).select(
  // expect-error: Object is possibly 'undefined'
  (match) => match.later[0].delay,
);

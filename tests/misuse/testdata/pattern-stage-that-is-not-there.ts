import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

CEP.pattern(flights, (start) => start.begin("late").next("later")).select(
  // expect-error: Property 'latest' does not exist on type
  (match) => match.latest[0].delay,
);

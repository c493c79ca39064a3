import { CEP } from "@millrace/cep";
import { OutputTag } from "millrace";
import { flights } from "../flights.ts";

CEP.pattern(flights, (start) => start.begin("late").next("later").within("1 h")).select(
  new OutputTag<number>("timed out"),
  // expect-error: Type 'string' is not assignable to type 'number'
  (match) => match.late[0]!.origin,
  (match) => match.later[0].delay,
);

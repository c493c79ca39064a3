import { CEP } from "@millrace/cep";
import { flights } from "../flights.ts";

const matches = CEP.pattern(flights, (start) => start.begin("late"));
// expect-error: "a function on the data path must not return a Promise"
matches.select(async (match) => match.late[0].delay);

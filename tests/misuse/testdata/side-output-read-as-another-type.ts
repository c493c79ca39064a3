import { OutputTag } from "millrace";
import { byOrigin } from "../flights.ts";

const names = new OutputTag<string>("names");
// expect-error: Property 'delay' does not exist on type 'string'
byOrigin.sum("delay").getSideOutput(names).map((name) => name.delay);

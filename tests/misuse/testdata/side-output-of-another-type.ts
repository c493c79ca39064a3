import { OutputTag } from "millrace";
import { flights } from "../flights.ts";

const tag = new OutputTag<string>("names");
flights.process<number>({
  processElement: (flight, context) => {
    // expect-error: Argument of type 'number' is not assignable to parameter of type 'string'
    context.output(tag, flight.delay);
  },
});

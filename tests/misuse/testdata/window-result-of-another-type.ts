import { TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

byOrigin.window(TumblingEventTimeWindows.of("1 h")).process<number>({
  process: (origin, _context, _flights, out) => {
    // expect-error: Argument of type 'string' is not assignable to parameter of type 'number'
    out.collect(origin);
  },
});

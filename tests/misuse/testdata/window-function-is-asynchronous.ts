import { TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

byOrigin.window(TumblingEventTimeWindows.of("1 h")).process<number>({
  // expect-error: Type 'Promise<void>' is not assignable to type 'void
  process: async (_origin, _context, _flights, out) => out.collect(1),
});

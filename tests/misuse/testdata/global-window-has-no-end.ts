import { GlobalWindows } from "millrace";
import { byOrigin } from "../flights.ts";

byOrigin.window(GlobalWindows.create()).apply<number>((_origin, window, _flights, out) => {
  // expect-error: Property 'end' does not exist on type 'GlobalWindow'
  out.collect(window.end);
});

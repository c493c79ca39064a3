import { mapState } from "millrace";
import { flights, texts } from "../flights.ts";

const limits = mapState<string, number>("limits");
flights.connect(texts.broadcast(limits)).process<number>({
  processElement: () => {},
  processBroadcastElement: (text, context) => {
    // expect-error: Argument of type 'string' is not assignable to parameter of type 'number'
    context.getBroadcastState(limits).put(text, text);
  },
});

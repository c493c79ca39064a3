import { mapState } from "millrace";
import { byOrigin, texts } from "../flights.ts";

const rules = mapState<string, string>("rules");
byOrigin.connect(texts.broadcast(rules)).process<number>({
  processElement: () => {},
  processBroadcastElement: (_text, context) => {
    // expect-error: Property 'currentKey' does not exist on type
    context.currentKey;
  },
});

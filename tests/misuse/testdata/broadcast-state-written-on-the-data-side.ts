import { mapState } from "millrace";
import { flights, texts } from "../flights.ts";

const rules = mapState<string, string>("rules");
flights.connect(texts.broadcast(rules)).process<number>({
  processElement: (_flight, context) => {
    // expect-error: Property 'put' does not exist on type 'ReadOnlyBroadcastState<string, string>'
    context.getBroadcastState(rules).put("a", "b");
  },
  processBroadcastElement: () => {},
});

import { listState } from "millrace";
import { texts } from "../flights.ts";

// expect-error: Argument of type 'ListStateDescriptor<string>' is not assignable to parameter of type
texts.broadcast(listState<string>("rules"));

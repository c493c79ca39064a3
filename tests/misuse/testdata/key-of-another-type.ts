import type { Collector, KeyedProcessContext } from "millrace";
import { byOrigin, type Flight } from "../flights.ts";

class ByNumber {
  processElement(_flight: Flight, context: KeyedProcessContext<number>, out: Collector<number>): void {
    out.collect(context.currentKey);
  }
}
// expect-error: Type 'string' is not assignable to type 'number'
byOrigin.process(new ByNumber());

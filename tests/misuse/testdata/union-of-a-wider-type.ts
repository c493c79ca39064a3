import type { DataStream } from "millrace";
import { texts } from "../flights.ts";

declare const mixed: DataStream<string | number>;
// expect-error: Type 'number' is not assignable to type 'string'
texts.union(mixed);

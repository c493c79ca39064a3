import { OutputTag } from "millrace";
import { flights } from "../flights.ts";

// expect-error: Property 'getSideOutput' does not exist on type 'DataStream<Flight>'
flights.getSideOutput(new OutputTag<string>("names"));

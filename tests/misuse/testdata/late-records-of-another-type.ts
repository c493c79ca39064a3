import { OutputTag, TumblingEventTimeWindows } from "millrace";
import { byOrigin } from "../flights.ts";

// expect-error: Argument of type 'OutputTag<string>' is not assignable to parameter of type 'OutputTag<Flight>'
byOrigin.window(TumblingEventTimeWindows.of("1 h")).sideOutputLateData(new OutputTag<string>("late"));

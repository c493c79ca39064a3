import { EventTimeSessionWindows } from "millrace";
import { byOrigin, counting } from "../flights.ts";

// expect-error: Property 'merge' is optional in type
byOrigin.window(EventTimeSessionWindows.withGap("1 h")).aggregate(counting);

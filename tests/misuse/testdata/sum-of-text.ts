import { byOrigin } from "../flights.ts";

// expect-error: Argument of type '"origin"' is not assignable to parameter of type '"delay" | "date"'
byOrigin.sum("origin");

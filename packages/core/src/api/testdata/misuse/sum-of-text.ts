import { byOrigin } from "../flights.ts";

// expect-error: '"origin"' is not assignable to parameter of type '"date" | "delay"'
byOrigin.sum("origin");

import { byOrigin } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'Flight'
byOrigin.reduce((left, right) => left.delay + right.delay);

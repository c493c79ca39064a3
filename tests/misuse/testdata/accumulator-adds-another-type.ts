import { IntCounter } from "millrace";

const lines = new IntCounter();
// expect-error: Argument of type 'string' is not assignable to parameter of type 'number'
lines.add("one");

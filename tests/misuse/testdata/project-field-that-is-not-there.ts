import { flights } from "../flights.ts";

// expect-error: Argument of type '"delays"' is not assignable to parameter of type
flights.project("origin", "delays");

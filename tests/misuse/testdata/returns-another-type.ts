import { t } from "millrace";
import { flights } from "../flights.ts";

// expect-error: Type 'string' is not assignable to type 'number'
flights.map((flight) => flight.delay).returns(t.string);

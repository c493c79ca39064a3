import { flights, texts } from "../flights.ts";

// expect-error: Type 'string' is not assignable to type 'Flight'
flights.union(texts);

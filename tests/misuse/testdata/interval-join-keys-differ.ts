import { byOrigin, texts } from "../flights.ts";

// expect-error: Type 'number' is not assignable to type 'string'
byOrigin.intervalJoin(texts.keyBy((text) => text.length));

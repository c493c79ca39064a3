import { flights } from "../flights.ts";

const loop = flights.iterate().withFeedbackType<string>();
// expect-error: Type 'number' is not assignable to type 'string'
loop.closeWith(loop.map({ map1: (flight) => flight.delay, map2: (text) => text.length }));

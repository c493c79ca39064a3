import { flights, texts } from "../flights.ts";

// expect-error: Property 'map2' is missing in type
flights.connect(texts).map({ map1: (flight) => flight.origin });

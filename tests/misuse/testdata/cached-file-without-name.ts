import { env } from "../flights.ts";

// expect-error: Expected 2 arguments, but got 1
env.registerCachedFile("data/airports.csv");

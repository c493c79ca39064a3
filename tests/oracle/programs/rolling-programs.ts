/** Running aggregates of a keyed stream: they go by arrival, whatever the timestamps say. */
import type { DataStream, KeyedStream } from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { Program } from "../oracle-job.ts";
import { sumValues } from "./window-functions.ts";

function rolling(
  name: string,
  aggregate: (events: KeyedStream<OracleEvent, string>) => DataStream<OracleEvent>,
): Program {
  return { name, input: "disorder", order: "key", build: (job) => job.outEvents(aggregate(job.keyed("a"))) };
}

export const rollingPrograms: readonly Program[] = [
  rolling("rolling-reduce", (events) => events.reduce(sumValues)),
  rolling("rolling-sum", (events) => events.sum("v")),
  rolling("rolling-min", (events) => events.min("v")),
  rolling("rolling-max", (events) => events.max("v")),
  rolling("rolling-min-by", (events) => events.minBy("v")),
  rolling("rolling-min-by-last", (events) => events.minBy("v", false)),
  rolling("rolling-max-by", (events) => events.maxBy("v")),
  rolling("rolling-max-by-last", (events) => events.maxBy("v", false)),
];

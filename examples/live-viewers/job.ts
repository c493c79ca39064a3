/**
 * How many people watch each channel: distinct viewers of the last 5 minutes, once a minute.
 *
 *     millrace run examples/live-viewers/job.ts [--output DIRECTORY] [--rate HEARTBEATS_PER_SECOND]
 */
import { join } from "node:path";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  type MergingAggregateFunction,
  RESTART_STRATEGY_TYPE,
  SlidingEventTimeWindows,
  type StreamExecutionEnvironment,
  type Type,
  t,
} from "millrace";
import { HEARTBEAT_EVERY_MS, HEARTBEATS, type Heartbeat, HeartbeatType, heartbeatAt } from "./heartbeats.ts";

/** Viewers of one channel in the five minutes before `to`, epoch ms. */
export interface Audience {
  channel: string;
  to: number;
  viewers: number;
}

export const AudienceType: Type<Audience> = t.object({ channel: t.string, to: t.timestamp, viewers: t.int32 });

/**
 * Who it was has to be kept, for a viewer must count once. With `merge`, the five windows that hold a heartbeat share one
 * set for each minute.
 */
const distinctViewers: MergingAggregateFunction<Heartbeat, Set<number>, number> = {
  createAccumulator: () => new Set(),
  add: (heartbeat, viewers) => viewers.add(heartbeat.viewer),
  getResult: (viewers) => viewers.size,
  merge: (left, right) => new Set([...left, ...right]),
};

export default function liveViewers(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/live-viewers");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};
  const audiences = env
    .fromSource(
      DataGeneratorSource.of(heartbeatAt, HEARTBEATS, rate),
      { boundedOutOfOrderness: HEARTBEAT_EVERY_MS, timestamp: (heartbeat) => heartbeat.at, idleness: "30 s" },
      "heartbeats",
    )
    .returns(HeartbeatType)
    .keyBy((heartbeat) => heartbeat.channel)
    .window(SlidingEventTimeWindows.of("5 min", "1 min"))
    .aggregate(distinctViewers, (channel, window, viewers) => ({ channel, to: window.end, viewers }), {
      accumulatorType: t.set(t.int32),
    })
    .returns(AudienceType)
    .uid("live-viewers");

  audiences
    .sinkTo(FileSink.to(join(output, "audiences"), jsonLines(AudienceType)))
    .name("audiences")
    .uid("audience-files");
  audiences
    .map(({ channel, to, viewers }) => `${new Date(to).toISOString().slice(11, 16)} ${channel} ${viewers}`)
    .print();
}

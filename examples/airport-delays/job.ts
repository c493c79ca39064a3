/**
 * Delays at US airports: three million flights of 2001 in event time. Hourly and sliding statistics for every airport, and
 * alerts for airports that degrade, as files that are written exactly once.
 *
 *     millrace run examples/airport-delays/job.ts [--input FILE] [--output DIRECTORY] [--checkpoints DIRECTORY]
 */
import { join } from "node:path";
import { FileSink, FileSource, jsonLines, parquet } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  RESTART_STRATEGY_TYPE,
  SlidingEventTimeWindows,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  WatermarkStrategy,
} from "millrace";
import { AirportAlerts, AirportAlertType } from "./airport-alerts.ts";
import { DelayStatisticsType, DelaySumsType, delaySums, toStatistics } from "./delay-statistics.ts";
import { bundledFlights, FlightType } from "./flights.ts";
import { describeResults } from "./summary.ts";

const OUTPUT = "out/airport-delays";

export default function airportDelays(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", OUTPUT);
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, args.get("checkpoints", join(output, "checkpoints")));
  env.getConfig().set(EXTERNALIZED_CHECKPOINT_RETENTION, "RETAIN_ON_CANCELLATION");
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const flights = env
    .fromSource(
      FileSource.of(args.get("input", bundledFlights()), parquet(FlightType)),
      WatermarkStrategy.forBoundedOutOfOrderness("1 min").withTimestampAssigner((flight) => flight.date),
      "flights",
    )
    .keyBy((flight) => flight.origin);

  flights
    .window(TumblingEventTimeWindows.of("1 h"))
    .aggregate(delaySums, toStatistics, { accumulatorType: DelaySumsType })
    .uid("hourly-delays")
    .sinkTo(FileSink.to(join(output, "hourly"), jsonLines(DelayStatisticsType)))
    .uid("hourly-files");

  const sliding = flights
    .window(SlidingEventTimeWindows.of("3 h", "15 min"))
    .aggregate(delaySums, toStatistics, { accumulatorType: DelaySumsType })
    .uid("sliding-delays");
  sliding.sinkTo(FileSink.to(join(output, "sliding"), jsonLines(DelayStatisticsType))).uid("sliding-files");

  sliding
    .keyBy((window) => window.origin)
    .process(new AirportAlerts())
    .uid("airport-alerts")
    .sinkTo(FileSink.to(join(output, "alerts"), jsonLines(AirportAlertType)))
    .uid("alert-files");
}

/** Printed when the job has finished. */
export function summary(args: JobArguments): Promise<string> {
  return describeResults(args.get("output", OUTPUT));
}

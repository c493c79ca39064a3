/**
 * What every shop sells per minute, hour and day. The hours are added up from the minutes and the days from the hours, so
 * that a sale is looked at once.
 *
 *     millrace run examples/sales-rollup/job.ts [--output DIRECTORY] [--sales N] [--rate SALES_PER_SECOND]
 */
import { join } from "node:path";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  RESTART_STRATEGY_TYPE,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
} from "millrace";
import { DELAY_MAX_MS, SaleType, saleAt } from "./sales.ts";
import { SumsType, sumOfSales, sumOfTotals, TotalType, toTotal } from "./totals.ts";

export default function salesRollup(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/sales-rollup");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(EXTERNALIZED_CHECKPOINT_RETENTION, "RETAIN_ON_CANCELLATION");
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};
  const sales = env
    .fromSource(
      DataGeneratorSource.of(saleAt, args.number("sales", 60_000), rate),
      { boundedOutOfOrderness: DELAY_MAX_MS, timestamp: (sale) => sale.at },
      "sales",
    )
    .returns(SaleType);

  const perMinute = sales
    .keyBy((sale) => sale.shop)
    .window(TumblingEventTimeWindows.of("1 min"))
    .aggregate(sumOfSales, toTotal, { accumulatorType: SumsType })
    .returns(TotalType)
    .uid("per-minute");

  // A window's result has the window's last millisecond for a timestamp, so it falls into the hour that it belongs to.
  const perHour = perMinute
    .keyBy((total) => total.shop)
    .window(TumblingEventTimeWindows.of("1 h"))
    .aggregate(sumOfTotals, toTotal, { accumulatorType: SumsType })
    .returns(TotalType)
    .uid("per-hour");

  // The shops are in Switzerland: their days begin at 23:00 UTC, an hour before those of UTC.
  const perDay = perHour
    .keyBy((total) => total.shop)
    .window(TumblingEventTimeWindows.of("1 d", "-1 h"))
    .aggregate(sumOfTotals, toTotal, { accumulatorType: SumsType })
    .returns(TotalType)
    .uid("per-day");

  perMinute.sinkTo(FileSink.to(join(output, "minute"), jsonLines(TotalType))).uid("minute-files");
  perHour.sinkTo(FileSink.to(join(output, "hour"), jsonLines(TotalType))).uid("hour-files");
  perDay.sinkTo(FileSink.to(join(output, "day"), jsonLines(TotalType))).uid("day-files");
  perDay
    .map(({ shop, from, cents }) => `${new Date(from).toISOString()}  ${shop}  ${(cents / 100).toFixed(2)}`)
    .print();
}

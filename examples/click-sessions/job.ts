/**
 * Sessions of a web shop's users: clicks with no long silence between them. How long is long depends on the device. Clicks
 * that come a day late go to files of their own.
 *
 *     millrace run examples/click-sessions/job.ts [--output DIRECTORY] [--rate CLICKS_PER_SECOND]
 */
import { join } from "node:path";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  CHECKPOINTS_DIRECTORY,
  DataGeneratorSource,
  EventTimeSessionWindows,
  FIXED_DELAY_ATTEMPTS,
  type JobArguments,
  OutputTag,
  RESTART_STRATEGY_TYPE,
  type StreamExecutionEnvironment,
} from "millrace";
import { type Click, ClickType, clickAt, OUT_OF_ORDER_MAX_MS } from "./clicks.ts";
import { gapOf, SessionType, toSession, VisitType, visits } from "./sessions.ts";

const LATE = new OutputTag<Click>("late");
const CLICKS = 60_000;

export default function clickSessions(env: StreamExecutionEnvironment, args: JobArguments): void {
  const output = args.get("output", "out/click-sessions");
  env.enableCheckpointing("1 s");
  env.getConfig().set(CHECKPOINTS_DIRECTORY, join(output, "checkpoints"));
  env.getConfig().set(RESTART_STRATEGY_TYPE, "fixed-delay").set(FIXED_DELAY_ATTEMPTS, 3);

  const rate = args.has("rate") ? { ratePerSecond: args.number("rate") } : {};
  const sessions = env
    .fromSource(
      DataGeneratorSource.of(clickAt, CLICKS, rate),
      { boundedOutOfOrderness: OUT_OF_ORDER_MAX_MS, timestamp: (click) => click.at },
      "clicks",
    )
    .returns(ClickType)
    .keyBy((click) => click.user)
    .window(EventTimeSessionWindows.withDynamicGap(gapOf))
    .sideOutputLateData(LATE)
    .aggregate(visits, toSession, { accumulatorType: VisitType })
    .uid("sessions")
    .returns(SessionType);

  sessions
    .sinkTo(FileSink.to(join(output, "sessions"), jsonLines(SessionType)))
    .name("session files")
    .uid("session-files");
  sessions
    .getSideOutput(LATE)
    .sinkTo(FileSink.to(join(output, "late"), jsonLines(ClickType)))
    .name("late files")
    .uid("late-files");
}

/** Counts of each key and of each second, written exactly once: what a savepoint may neither lose nor double. */
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  DataGeneratorSource,
  type JobArguments,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  t,
} from "millrace";

const Count = t.object({ key: t.int32, count: t.int32 });
const Window = t.object({ from: t.timestamp, count: t.int32 });

export default function countedFiles(env: StreamExecutionEnvironment, args: JobArguments): void {
  const out = args.get("out");
  const numbers = env.fromSource(
    DataGeneratorSource.of((n) => n, args.number("count"), { ratePerSecond: args.number("rate") }),
    { boundedOutOfOrderness: 0, timestamp: (n) => n },
    "numbers",
  );
  const keyed = numbers.map((n) => ({ key: n % 7, count: 1 })).keyBy((value) => value.key);
  keyed
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
    .uid("counts")
    .sinkTo(FileSink.to(`${out}/counts`, jsonLines(Count)))
    .uid("count-files");
  keyed
    .windowAll(TumblingEventTimeWindows.of("1 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (_value, count) => count + 1, getResult: (count) => count },
      (window, count) => ({ from: window.start, count }),
    )
    .uid("windows")
    .sinkTo(FileSink.to(`${out}/windows`, jsonLines(Window)))
    .uid("window-files");
}

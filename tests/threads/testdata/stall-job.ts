/** Numbers that come slowly, windows that end much later; `--blocks true`: a function that does not return. */
import {
  DataGeneratorSource,
  DiscardingSink,
  type JobArguments,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
} from "millrace";

export default function stalled(env: StreamExecutionEnvironment, args: JobArguments): void {
  const blocks = args.get("blocks") === "true";
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, 1_000_000, { ratePerSecond: 200 }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .uid("numbers")
    .keyBy((n) => n % 7)
    .map((n) => {
      while (blocks && n % 7 === 3 && n > 100);
      return n;
    })
    .name("Trouble")
    .keyBy((n) => n % 7)
    .window(TumblingEventTimeWindows.of("1 h"))
    .reduce((a, b) => a + b)
    .uid("hourly")
    .name("hourly")
    .sinkTo(DiscardingSink.of<number>());
}

/** Counts of each key behind a task that takes its time with every record, so that many are on their way to it. */
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  type Collector,
  DataGeneratorSource,
  type JobArguments,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  t,
  type ValueState,
  valueState,
  WatermarkStrategy,
} from "millrace";

const Count = t.object({ key: t.int32, count: t.int32 });
const counted = valueState("count", t.int32);

class SlowCounts implements KeyedProcessFunction<number, number, { key: number; count: number }> {
  private readonly pauseMs: number;
  private count!: ValueState<number>;

  constructor(pauseMs: number) {
    this.pauseMs = pauseMs;
  }

  open(context: RuntimeContext): void {
    this.count = context.getState(counted);
  }

  processElement(_n: number, context: KeyedProcessContext<number>, out: Collector<{ key: number; count: number }>): void {
    if (this.pauseMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.pauseMs);
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect({ key: context.currentKey, count });
  }
}

export default function unaligned(env: StreamExecutionEnvironment, args: JobArguments): void {
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, args.number("count")),
      WatermarkStrategy.noWatermarks(),
      "numbers",
    )
    .uid("numbers")
    .keyBy((n) => n % 31)
    .process(new SlowCounts(args.number("pause")))
    .uid("counts")
    .rebalance()
    .sinkTo(FileSink.to(args.get("out"), jsonLines(Count)))
    .uid("count-files");
}

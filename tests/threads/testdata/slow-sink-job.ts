/** A fast source, a hash exchange, and a task that takes its time with every record. */
import {
  type Collector,
  DataGeneratorSource,
  DiscardingSink,
  type JobArguments,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
} from "millrace";

class Slow implements KeyedProcessFunction<number, number, number> {
  private seen!: { inc(): void };

  open(context: RuntimeContext): void {
    this.seen = context.metricGroup.addGroup("slow").counter("recordsSeen");
  }

  processElement(n: number, _context: KeyedProcessContext<number>, out: Collector<number>): void {
    this.seen.inc();
    let x = n;
    for (let turn = 0; turn < 20_000; turn++) x = (x * 31 + turn) | 0;
    out.collect(x);
  }
}

export default function slow(env: StreamExecutionEnvironment, args: JobArguments): void {
  env
    .fromSource(DataGeneratorSource.of((n) => n, args.number("count")), { boundedOutOfOrderness: 0, timestamp: (n) => n }, "fast")
    .uid("fast")
    .keyBy((n) => n % 101)
    .process(new Slow())
    .name("Slow")
    .uid("slow")
    .sinkTo(DiscardingSink.of<number>());
}

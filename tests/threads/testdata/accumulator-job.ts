/**
 * Accumulators of every kind that matters to threads: built-in ones, one of the job's own class, two classes of one name.
 * `--fail-at N` fails the first attempt there; `--forever` never ends; `--conflict` counts the same name in two ways.
 */
import {
  type Accumulator,
  DataGeneratorSource,
  DiscardingSink,
  type IntCounter,
  type JobArguments,
  ListAccumulator,
  type MapFunction,
  type RuntimeContext,
  type StreamExecutionEnvironment,
} from "millrace";

/** Which subtasks have seen something, and their largest number. */
class LargestBySubtask implements Accumulator<readonly [number, number], ReadonlyMap<number, number>> {
  private largest = new Map<number, number>();

  add([subtask, n]: readonly [number, number]): void {
    this.largest.set(subtask, Math.max(n, this.largest.get(subtask) ?? 0));
  }

  getLocalValue(): ReadonlyMap<number, number> {
    return new Map(this.largest);
  }

  resetLocal(): void {
    this.largest.clear();
  }

  merge(other: LargestBySubtask): void {
    for (const entry of other.largest) this.add(entry);
  }

  clone(): LargestBySubtask {
    const copy = new LargestBySubtask();
    copy.merge(this);
    return copy;
  }
}

class Counting implements MapFunction<number, number> {
  private readonly failAt: number;
  private attempt = 0;
  private subtask = 0;
  private seen!: IntCounter;
  private readonly tens = new ListAccumulator<number>();
  private largest!: LargestBySubtask;

  constructor(failAt: number) {
    this.failAt = failAt;
  }

  open(context: RuntimeContext): void {
    this.attempt = context.attemptNumber;
    this.subtask = context.indexOfThisSubtask;
    this.seen = context.getIntCounter("seen");
    this.largest = new LargestBySubtask();
    context.addAccumulator("largest", this.largest);
    context.addAccumulator("tens", this.tens);
  }

  map(n: number): number {
    if (this.attempt === 0 && n === this.failAt) throw new Error(`failed at ${n}`);
    this.seen.add(1);
    this.largest.add([this.subtask, n]);
    if (n % 10 === 0) this.tens.add(n);
    return n;
  }

  close(): void {
    this.seen.add(1000);
  }
}

export default function accumulates(env: StreamExecutionEnvironment, args: JobArguments): void {
  const count = args.flag("forever") ? 1e9 : 100;
  const isConflict = args.flag("conflict");
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, count, args.flag("forever") ? { ratePerSecond: 1000 } : {}),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .uid("numbers")
    .map(new Counting(args.number("fail-at", -1)))
    .keyBy((n) => n % 7)
    .map({
      open(context: RuntimeContext): void {
        if (isConflict) context.getLongCounter("seen");
      },
      map: (n: number) => n,
    })
    .uid("second")
    .sinkTo(DiscardingSink.of<number>());
}

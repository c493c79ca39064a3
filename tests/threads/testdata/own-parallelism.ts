import type { StreamExecutionEnvironment } from "millrace";

/** A job that wants another parallelism than its command line. */
export default function ownParallelism(env: StreamExecutionEnvironment): void {
  env
    .setParallelism(3)
    .fromSequence(1, 10)
    .rebalance()
    .map((n) => n + 1)
    .print();
}

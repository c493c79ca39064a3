import { isMainThread } from "node:worker_threads";
import type { StreamExecutionEnvironment } from "millrace";

/** Builds something else in every thread than in the main one. */
export default function different(env: StreamExecutionEnvironment): void {
  env
    .fromSequence(1, 3)
    .map((n) => n)
    .name(isMainThread ? "in the main thread" : "in another thread")
    .print();
}

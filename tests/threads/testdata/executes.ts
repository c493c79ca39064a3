import { isMainThread } from "node:worker_threads";
import type { StreamExecutionEnvironment } from "millrace";

/** Runs the job itself, which only whoever loads the module may do. */
export default async function executes(env: StreamExecutionEnvironment): Promise<void> {
  env.fromSequence(1, 3).print();
  if (!isMainThread) await env.execute();
}

import { parentPort } from "node:worker_threads";
import { invariant } from "../base/errors.ts";
import { MessageBox } from "./message-box.ts";
import { createNodePlatform } from "./node-platform.ts";
import type { WorkerThreadInput } from "./node-workers.ts";
import type { WorkerMain, WorkerScope } from "./platform.ts";
import { refuseProcessExit } from "./process-exit.ts";

/** Runs a worker module inside its thread; the boot file calls it once. @internal */
export async function runWorkerThread({ moduleUrl, input, isWarm }: WorkerThreadInput): Promise<void> {
  const exit = refuseProcessExit("a worker thread");
  // An error that nobody caught ends the thread through process.exit, which then has to work.
  process.on("uncaughtExceptionMonitor", () => {
    process.exit = exit;
  });
  const port = parentPort;
  invariant(port !== null, "a worker module runs in a worker thread");
  const messages = new MessageBox<[message: unknown]>();
  let take: ((input: unknown) => void) | undefined;
  const given = new Promise<unknown>((resolve) => {
    if (isWarm) take = resolve;
    else resolve(input);
  });
  // The listener also keeps the thread alive: it ends by exit(), by a failure or from outside only.
  port.on("message", (message: unknown) => {
    if (take === undefined) return messages.put(message);
    take(message);
    take = undefined;
  });
  const module: { readonly main?: unknown } = await import(moduleUrl);
  const scope: WorkerScope = {
    platform: createNodePlatform(),
    input: await given,
    postMessage: (message, transfer = []) => port.postMessage(message, transfer),
    onMessage: (listener) => messages.listen(listener),
    exit: (exitCode) => exit(exitCode),
  };
  invariant(typeof module.main === "function", `worker module ${moduleUrl} exports no function main`);
  // A module's exports have no type across a dynamic import; that main is a WorkerMain is the contract of spawn().
  await (module.main as WorkerMain)(scope);
}

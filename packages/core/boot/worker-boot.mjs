// The first file of every worker thread. A thread inherits no TypeScript loader, so it registers its own before it
// imports anything; `platform/node-workers.ts` decides what is needed and passes it in `workerData`.
import { register } from "node:module";
import { workerData } from "node:worker_threads";

// Before anything is loaded: a module's source map is read when the module is.
process.setSourceMapsEnabled(true);

if (workerData.needsTypeScript) {
  const { register: registerTsx } = await import("tsx/esm/api");
  registerTsx();
}
if (workerData.runsFromSource) register("./source-condition.mjs", import.meta.url);

const { runWorkerThread } = await import(workerData.threadUrl);
await runWorkerThread(workerData);

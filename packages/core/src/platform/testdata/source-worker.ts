import type { WorkerScope } from "../platform.ts";

/** Says where the package's own name leads from inside a worker thread. */
export function main({ postMessage }: WorkerScope): void {
  postMessage(import.meta.resolve("millrace/internal"));
}

import type { WorkerScope } from "../platform.ts";

/** The worker of the contract suite: does what its messages say. Runs in a real thread and in a simulated one. */
export function main({ platform, input, postMessage, onMessage, exit }: WorkerScope): void {
  if (input === "fail at once") throw new Error("failed at once");
  postMessage({ started: input });
  onMessage((message) => {
    if (message === "exit") {
      postMessage("last words");
      exit(7);
    } else if (message === "throw later") {
      platform.clock.after(1, () => {
        throw new TypeError("thrown from a timer");
      });
    } else {
      postMessage({ echo: message });
    }
  });
}

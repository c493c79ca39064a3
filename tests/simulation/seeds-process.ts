/** Runs seeds in other processes, each of which is the bundled simulation. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SeedsOrder } from "./seeds-main.ts";

/**
 * Calls `onLine` with everything the process says; settles when it has ended.
 * @throws when it ends with an error: what the simulation itself cannot go on with
 */
export function runSeeds(bundle: string, order: SeedsOrder, onLine: (line: unknown) => void): Promise<void> {
  const child = spawn(process.execPath, ["--enable-source-maps", bundle, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => onLine(JSON.parse(line)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the simulation ended with exit code ${code}`));
    });
  });
}

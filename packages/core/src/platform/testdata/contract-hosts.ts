import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodePlatform } from "../node-platform.ts";
import type { Platform } from "../platform.ts";
import { createSimulatedPlatform } from "../simulated-platform.ts";
import { main } from "./contract-worker.ts";

/** A platform under the contract suite, with a fresh directory of its own. */
export interface ContractHost {
  readonly platform: Platform;
  readonly directory: string;
  /** Gives the platform what it needs to come to an end of the action: nothing, or simulated time. */
  run<T>(action: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export const WORKER_URL: string = new URL("./contract-worker.ts", import.meta.url).href;

/** Every implementation that the contract holds for. Three seeds: three different interleavings. */
export const CONTRACT_HOSTS: readonly { readonly name: string; readonly start: () => Promise<ContractHost> }[] = [
  { name: "node", start: startNode },
  ...[1, 2, 3].map((seed) => ({ name: `simulated, seed ${seed}`, start: () => startSimulated(seed) })),
];

async function startNode(): Promise<ContractHost> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-platform-"));
  return {
    platform: createNodePlatform(),
    directory,
    run: (action) => action(),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function startSimulated(seed: number): Promise<ContractHost> {
  const platform = createSimulatedPlatform({ seed });
  platform.workers.register(WORKER_URL, main);
  const directory = "/contract";
  await platform.run(() => platform.fs.makeDirectory(directory));
  return { platform, directory, run: (action) => platform.run(action), close: async () => {} };
}

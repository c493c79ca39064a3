import { NodeBells } from "./node-bells.ts";
import { NodeClock } from "./node-clock.ts";
import { NodeFs } from "./node-fs.ts";
import { NodePackages } from "./node-packages.ts";
import { NodeProc } from "./node-proc.ts";
import { NodeRandom } from "./node-random.ts";
import { NodeStores } from "./node-stores.ts";
import { NodeTransport } from "./node-transport.ts";
import { NodeWorkers } from "./node-workers.ts";
import type { Platform } from "./platform.ts";

/** The real world: this process on this machine. @public */
export function createNodePlatform(): Platform {
  return {
    clock: new NodeClock(),
    random: new NodeRandom(),
    fs: new NodeFs(),
    workers: new NodeWorkers(),
    bells: new NodeBells(),
    proc: new NodeProc(),
    transport: new NodeTransport(),
    packages: new NodePackages(),
    stores: new NodeStores(new NodePackages()),
  };
}

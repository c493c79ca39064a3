/** I5 on the machines' own disks: what stores needed there is gone with the job, and with the process that it was of. */
import type { SimulatedPlatform } from "millrace/internal";
import { HARMLESS } from "./leak-check.ts";
import type { FaultKind } from "./plan.ts";
import { namesIn } from "./visible-files.ts";
import type { World } from "./world.ts";

const PREFIX = "millrace-state-";

/** What a thread had that has died stays until its process ends. */
const isHarmless = (kind: FaultKind, isAlone: boolean): boolean =>
  (HARMLESS.has(kind) && kind !== "killWorker") || (isAlone && (kind === "kill" || kind === "powerOff"));

/** @param hasBegun - Whether the living process has begun a job: it has removed then what others have left behind. */
export function checkLocalState(world: World, { storage, proc }: SimulatedPlatform, hasBegun: boolean): void {
  const isAlone = world.plan.hosts !== "cluster";
  if ([...world.faultCounts.keys()].some((kind) => !isHarmless(kind, isAlone))) return;
  const own = `${PREFIX}${proc.hostName}-${proc.processId}-`;
  const left = namesIn(storage.disk, proc.temporaryDirectory).filter((name) =>
    name.startsWith(hasBegun ? PREFIX : own),
  );
  if (left.length > 0)
    world.violated("I5", `${proc.hostName} still has ${left.slice(0, 3).join(", ")} (${left.length})`);
}

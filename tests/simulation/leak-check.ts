/** I5: what no snapshot refers to is gone when the job is over. */
import { type SimulatedDisk, snapshotHandlesOf } from "millrace/internal";
import type { FaultKind } from "./plan.ts";
import { namesIn, snapshotIn } from "./visible-files.ts";
import type { World } from "./world.ts";

const METADATA = "_metadata";

/** Whoever dies, or cannot reach the disk, cannot remove anything there. */
export const HARMLESS: ReadonlySet<FaultKind> = new Set([
  "throw",
  "storeDown",
  "clockJump",
  "killWorker",
  "savepoint",
  "checkpoint",
  "cancel",
  "suspend",
  "stop",
  "drain",
]);

export function checkLeaks(world: World, disk: SimulatedDisk): void {
  if ([...world.faultCounts.keys()].some((kind) => !HARMLESS.has(kind))) return;
  const leaked: string[] = [];
  for (const job of namesIn(disk, "/checkpoints")) {
    const shared = new Set(namesIn(disk, `/checkpoints/${job}/shared`).map((name) => `../shared/${name}`));
    for (const name of namesIn(disk, `/checkpoints/${job}`).filter((each) => each.startsWith("chk-"))) {
      const directory = `/checkpoints/${job}/${name}`;
      const files = namesIn(disk, directory);
      const metadata = files.includes(METADATA) ? snapshotIn(disk, directory)?.metadata : undefined;
      if (metadata === undefined) {
        leaked.push(directory);
        continue;
      }
      const used = new Set([METADATA]);
      for (const handle of snapshotHandlesOf(metadata)) if (handle.kind !== "inline") used.add(handle.name);
      leaked.push(...files.filter((file) => !used.has(file)).map((file) => `${directory}/${file}`));
      for (const file of used) shared.delete(file);
    }
    leaked.push(...[...shared].map((file) => `/checkpoints/${job}/${file.slice(3)}`));
  }
  if (leaked.length > 0) world.violated("I5", `nobody refers to ${leaked.slice(0, 5).join(", ")} (${leaked.length})`);
}

/** I2: what is visible in the end is what the input says. */
import type { SimulatedDisk } from "millrace/internal";
import { expectedRows, FILES_DIRECTORY } from "./shapes.ts";
import { bytesOf, namesIn } from "./visible-files.ts";
import type { World } from "./world.ts";

export function checkRows(world: World, disk: SimulatedDisk): void {
  const { plan } = world;
  const expected = expectedRows(plan.shape, plan);
  const found = plan.shape === "files" ? rowsInFiles(disk) : world.store.rows;
  const missing = without(expected, found);
  const extra = without(found, expected);
  if (missing.length === 0 && extra.length === 0) return;
  const shown = (rows: readonly string[]): string => `${rows.length} (${rows.slice(0, 5).join(", ")})`;
  world.violated("I2", `rows missing: ${shown(missing)}; rows too many: ${shown(extra)}`);
}

function rowsInFiles(disk: SimulatedDisk): readonly string[] {
  const names = namesIn(disk, FILES_DIRECTORY).filter((name) => !name.startsWith("."));
  const texts = names.map((name) => new TextDecoder().decode(bytesOf(disk, `${FILES_DIRECTORY}/${name}`)));
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => line !== "")
    .map((line) => String((JSON.parse(line) as { readonly row: string }).row));
}

/** The rows of `all` that are left when each of `others` takes away an equal one. */
function without(all: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return all.filter((row) => {
    const count = counts.get(row) ?? 0;
    counts.set(row, count - 1);
    return count <= 0;
  });
}

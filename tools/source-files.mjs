import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The folder of this repository. */
export const repositoryRoot = join(import.meta.dirname, "..");

const skipped = new Set(["node_modules", "dist", "out", "checkpoints", "coverage", "testdata"]);
const roots = ["packages", "examples", "bench", "tests", "tools"];

/** Paths of the repository's source files, relative to `root`, with "/" and in a fixed order. */
export function sourceFiles(root, extensions) {
  return roots.flatMap((folder) => filesUnder(root, folder, extensions)).sort();
}

function filesUnder(root, folder, extensions) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch (cause) {
    if (cause.code === "ENOENT") return [];
    throw cause;
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesUnder(root, path, extensions);
    return extensions.some((extension) => entry.name.endsWith(extension)) ? [path] : [];
  });
}

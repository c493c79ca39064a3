/** Makes one file of the simulation and the engine, with or without a mutant in it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { applyMutant, type Mutant } from "./mutant.ts";

const PACKAGES = fileURLToPath(new URL("../../packages/", import.meta.url));

export async function bundleSeeds(outfile: string, mutant?: Mutant): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("./seeds-main.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@millrace/source"],
    // For esbuild itself and CommonJS dependencies.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    legalComments: "none",
    logLevel: "warning",
    plugins: mutant === undefined ? [] : [mutating(mutant)],
  });
}

/** @throws by the build, when the file is not part of the bundle */
function mutating(mutant: Mutant): Plugin {
  const path = join(PACKAGES, mutant.file);
  let isApplied = false;
  return {
    name: "mutant",
    setup(bundle): void {
      bundle.onLoad({ filter: /\.ts$/ }, async (args) => {
        if (args.path !== path) return undefined;
        isApplied = true;
        return { contents: applyMutant(mutant, await readFile(path, "utf8")), loader: "ts" };
      });
      bundle.onEnd(() => {
        if (!isApplied) throw new Error(`mutant "${mutant.name}": packages/${mutant.file} is not in the simulation`);
      });
    },
  };
}

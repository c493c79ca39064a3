/**
 * Makes the one file that a job is for a cluster: its module, what it imports from its own project, and all packages it needs,
 * so that nothing has to be installed where it runs. What stays out:
 *
 * - Node.js' own modules, `millrace` and `@millrace/*`: a process of a cluster has them, and classes would exist twice.
 * - Packages with native code, which is not JavaScript and belongs to a machine: they are looked for where the process runs.
 */
import { createHash } from "node:crypto";
import { dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { MillraceError } from "millrace";
import {
  buildBundle,
  existingFile,
  exportsName,
  isOfCluster,
  ownUrls,
  requireBanner,
  type WrittenBuild,
} from "../job-bundle.ts";

/** A native package may be needed by another one, which is then native as well: so often at most. */
const NATIVE_ROUNDS_MAX = 8;

/** Packages whose only use is to find native code. */
const NATIVE_LOADERS =
  /^(?:bindings|node-gyp-build|node-gyp-build-optional-packages|@mapbox\/node-pre-gyp|pkg-prebuilds)$/;

/** @internal */
export interface ClusterBundle {
  readonly code: Uint8Array;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  /** Packages with native code, which have to be installed on the cluster. */
  readonly nativePackages: readonly string[];
  /** Whether the module exports a `summary`. */
  readonly hasSummary: boolean;
}

/**
 * @throws MillraceError `MR_JOB_NOT_FOUND`; `MR_JOB_INVALID` with the place of what cannot be compiled or found;
 *   `MR_TARGET_NEEDS_MODULE` for a script that runs itself
 * @internal
 */
export async function bundleForCluster(path: string): Promise<ClusterBundle> {
  const file = existingFile(path);
  const native = new Set<string>();
  for (let round = 0; ; round++) {
    const found = new Set<string>();
    const result = await buildBundle(path, {
      entryPoints: [file],
      // Sources in the map are relative to this.
      outfile: join(dirname(file), "job.mjs"),
      sourcemap: "external",
      // Stacks need positions only.
      sourcesContent: false,
      plugins: [clusterImports(native, found, path), ownUrls],
      banner: requireBanner,
    });
    for (const name of [...found]) if (native.has(name)) found.delete(name);
    if (found.size === 0 || round === NATIVE_ROUNDS_MAX) return bundleOf(path, file, result, native);
    for (const name of found) native.add(name);
  }
}

function bundleOf(path: string, file: string, result: WrittenBuild, native: ReadonlySet<string>): ClusterBundle {
  if (!exportsName(result, "default")) {
    throw new MillraceError("MR_TARGET_NEEDS_MODULE", {
      what: "Only a job module can be sent to a cluster",
      where: { path },
      found: "a module without a default export",
      expected: "export default (env, args) => void",
      todo: "Move the pipeline into a default export",
    });
  }
  const map = result.outputFiles.find((each) => each.path.endsWith(".map"))!;
  const text = result.outputFiles.find((each) => !each.path.endsWith(".map"))!.text;
  const inline = Buffer.from(absoluteSources(map.text, dirname(file))).toString("base64");
  const code = new TextEncoder().encode(`${text}//# sourceMappingURL=data:application/json;base64,${inline}\n`);
  const used = new Set(
    Object.values(result.metafile.inputs).flatMap(({ imports }) => imports.map((each) => each.path)),
  );
  return {
    code,
    hash: createHash("sha256").update(code).digest("hex"),
    nativePackages: [...native].filter((name) => [...used].some((each) => packageOfSpecifier(each) === name)).sort(),
    hasSummary: exportsName(result, "summary"),
  };
}

/** Stacks are read where the job was submitted: they name the files there. */
function absoluteSources(mapText: string, directory: string): string {
  const map = JSON.parse(mapText) as { readonly sources: readonly string[] };
  return JSON.stringify({
    ...map,
    sources: map.sources.map((source) => pathToFileURL(resolve(directory, source)).href),
  });
}

/** @param native - Packages that stay out. @param found - Gets those that have native code, too. */
function clusterImports(native: ReadonlySet<string>, found: Set<string>, path: string): Plugin {
  const note = (importer: string, what: string): void => {
    const name = packageOfFile(importer);
    if (name === undefined) throw nativeFile(path, importer, what);
    found.add(name);
  };
  return {
    name: "cluster-imports",
    setup({ onResolve, onLoad, resolve: resolveImport }) {
      onResolve({ filter: /.*/ }, async ({ path: specifier, importer, resolveDir, kind, pluginData }) => {
        if (kind === "entry-point" || pluginData === "resolved") return undefined;
        if (isOfCluster(specifier)) return { path: specifier, external: true };
        if (NATIVE_LOADERS.test(specifier)) note(importer, specifier);
        const name = packageOfSpecifier(specifier);
        if (name !== undefined && native.has(name)) return { path: specifier, external: true };
        if (!/\.node$|^[^./]/.test(specifier)) return undefined;
        const target = await resolveImport(specifier, { importer, resolveDir, kind, pluginData: "resolved" });
        if (target.path.endsWith(".node")) {
          note(importer, specifier);
          return { path: specifier, external: true };
        }
        return undefined;
      });
      // One that is named by a relative path without its extension.
      onLoad({ filter: /\.node$/ }, ({ path: file }) => {
        note(file, file);
        return { contents: "" };
      });
    },
  };
}

/** The package that a file is installed with; undefined for the project's own. */
function packageOfFile(file: string): string | undefined {
  const at = file.lastIndexOf(`${sep}node_modules${sep}`);
  return at < 0
    ? undefined
    : packageOfSpecifier(file.slice(at + `${sep}node_modules${sep}`.length).replaceAll(sep, "/"));
}

/** The package that an import names; undefined for a relative one. */
function packageOfSpecifier(specifier: string): string | undefined {
  return /^(?:@[^/]+\/)?[^./@][^/]*/.exec(specifier)?.[0];
}

function nativeFile(path: string, importer: string, found: string): MillraceError {
  return new MillraceError("MR_JOB_INVALID", {
    what: "The job's own files import native code, which cannot be sent to a cluster",
    where: { path, file: importer },
    found,
    expected: "native code in a package, which is installed where the cluster runs",
    todo: "Move it into a package of its own, or run the job in this process",
  });
}

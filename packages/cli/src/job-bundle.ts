/**
 * Makes one JavaScript file of a job's module and what it imports from its own project, so that every slot's thread loads
 * the same code at once and needs no TypeScript loader. Packages stay where they are and are imported as always.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, extname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildFailure, type BuildOptions, type BuildResult, build, type Loader, type Plugin } from "esbuild";
import { MillraceError } from "millrace";

/** @internal */
export interface JobBundle {
  /** Of the bundle, whose name is a hash of its content. */
  readonly url: string;
  /** Whether the module exports something as its default: a job, unless it is a script that runs when it is loaded. */
  readonly hasDefaultExport: boolean;
}

const loaders: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
};

/**
 * @throws MillraceError `MR_JOB_NOT_FOUND`, `MR_JOB_INVALID` with the place of what cannot be compiled or found
 * @internal
 */
export async function bundleJob(path: string): Promise<JobBundle> {
  const file = existingFile(path);
  const result = await buildBundle(path, {
    entryPoints: [file],
    outfile: outfileOf(file),
    plugins: [ownCodeOnly, ownUrls],
  });
  return { url: await store(file, result), hasDefaultExport: exportsName(result, "default") };
}

/** @throws MillraceError `MR_JOB_NOT_FOUND` @internal */
export function existingFile(path: string): string {
  const file = resolve(path);
  if (existsSync(file)) return file;
  throw new MillraceError("MR_JOB_NOT_FOUND", {
    what: "There is no such job",
    where: { path },
    found: "nothing at this path",
    expected: "a TypeScript or JavaScript module",
    todo: "Correct the path",
  });
}

/** @internal */
export function exportsName({ metafile }: WrittenBuild, name: string): boolean {
  const entry = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
  return entry?.exports.includes(name) ?? false;
}

/**
 * One module of the job, the engine and all that they import, for threads: without it each of them would have to compile
 * the engine's sources. Only for a checkout, where the engine is TypeScript; an installed one is JavaScript already.
 *
 * @returns The URL of a module that exports what a thread's first module and the job's module do, or undefined.
 * @internal
 */
export async function bundleSlotThread(path: string): Promise<string | undefined> {
  if (!import.meta.url.endsWith(".ts")) return undefined;
  const file = resolve(path);
  const core = join(dirname(fileURLToPath(import.meta.url)), "../../core/src");
  const contents = [
    `export { runWorkerThread } from ${JSON.stringify(join(core, "platform/node-worker-thread.ts"))};`,
    `export { main } from ${JSON.stringify(join(core, "slot-thread.ts"))};`,
    `export { default } from ${JSON.stringify(file)};`,
  ].join("\n");
  const result = await buildBundle(path, {
    stdin: { contents, resolveDir: dirname(file), loader: "ts" },
    outfile: outfileOf(file),
    conditions: ["@millrace/source"],
    plugins: [ownUrls],
    banner: requireBanner,
  });
  return store(file, result);
}

/** CommonJS packages in an ES module need what they find in their own files. @internal */
export const requireBanner: NonNullable<BuildOptions["banner"]> = {
  js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
};

/** As deep as the place it gets in the end: the source map names files relative to it. */
function outfileOf(file: string): string {
  return join(cacheDirectory(file), "bundle", "job.mjs");
}

/** Writes a bundle to a folder that is called like its content, and returns its URL. */
async function store(file: string, result: WrittenBuild): Promise<string> {
  const [map, code] = [
    result.outputFiles.find((each) => each.path.endsWith(".map"))!,
    result.outputFiles.find((each) => !each.path.endsWith(".map"))!,
  ];
  const hash = createHash("sha256").update(code.contents).update(map.contents).digest("hex").slice(0, 32);
  const directory = join(cacheDirectory(file), hash);
  const target = join(directory, "job.mjs");
  if (!existsSync(target)) {
    await mkdir(directory, { recursive: true });
    await writeAtomically(join(directory, "job.mjs.map"), map.contents);
    await writeAtomically(target, code.contents);
  }
  return pathToFileURL(target).href;
}

/** @internal */
export type WrittenBuild = BuildResult<{ write: false; metafile: true }>;

/** @throws MillraceError `MR_JOB_INVALID` with the place of what cannot be compiled or found @internal */
export async function buildBundle(path: string, options: BuildOptions): Promise<WrittenBuild> {
  try {
    return await build({
      sourcemap: "linked",
      sourcesContent: true,
      ...options,
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      target: "node20",
      keepNames: true,
      logLevel: "silent",
      define: { "import.meta.url": "__millrace_module_url" },
    });
  } catch (error) {
    const [first] = (error as Partial<BuildFailure>).errors ?? [];
    if (first === undefined) throw error;
    const { location } = first;
    throw new MillraceError("MR_JOB_INVALID", {
      what: "The job's module cannot be used",
      where: location === null ? { path } : { at: `${location.file}:${location.line}:${location.column + 1}` },
      found: first.text,
      expected: "a module whose default export is (env, args) => void, or a script that calls env.execute()",
      todo: "Correct the module",
      cause: error,
    });
  }
}

/** What is installed, and the engine itself, is imported as it is: bundled, its classes would exist twice. */
const ownCodeOnly: Plugin = {
  name: "own-code-only",
  setup({ onResolve, resolve: resolveImport }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (kind === "entry-point" || pluginData === "resolved") return undefined;
      if (isOfCluster(path)) return { path, external: true };
      // A package of the same workspace may be TypeScript, which Node does not load: it belongs to the user's code.
      const found = await resolveImport(path, { importer, resolveDir, kind, pluginData: "resolved" });
      if (found.errors.length > 0 || found.path === "" || found.external) return { path, external: true };
      const real = await realpath(found.path);
      return real.includes(`${sep}node_modules${sep}`) ? { path, external: true } : { path: real };
    });
  },
};

/** What wherever the job runs is there already: Node.js and Millrace itself. @internal */
export function isOfCluster(specifier: string): boolean {
  return isBuiltin(specifier) || specifier === "millrace" || /^(millrace|@millrace)\//.test(specifier);
}

/** A bundle lies elsewhere than the modules in it: each keeps its own URL. @internal */
export const ownUrls: Plugin = {
  name: "own-urls",
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      if (!text.includes("import.meta.url")) return undefined;
      const own = `const __millrace_module_url = ${JSON.stringify(pathToFileURL(path).href)};`;
      return { contents: own + text, loader: loaders[extname(path)] ?? "ts" };
    });
  },
};

/** Where the job's packages are found: beside the nearest `node_modules`, or the job's own folder. */
function cacheDirectory(file: string): string {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const modules = join(directory, "node_modules");
    if (existsSync(modules)) return join(modules, ".cache", "millrace");
    if (directory === dirname(directory)) return join(dirname(file), ".millrace");
  }
}

async function writeAtomically(path: string, contents: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

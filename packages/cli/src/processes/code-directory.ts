import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** Packages of Millrace: whatever is installed beside the engine. */
const SCOPE = "@millrace";

/**
 * The directory that the code of jobs is imported from, with the engine in it that runs here: a job has to find this one, and
 * not another copy that some directory above may have. Other packages are looked for from there upwards, as always.
 *
 * @param workingDirectory - `process.working-dir`.
 * @internal
 */
export function makeCodeDirectory(workingDirectory: string): string {
  const directory = resolve(workingDirectory, "code");
  const modules = join(directory, "node_modules");
  mkdirSync(join(modules, SCOPE), { recursive: true });
  const engine = packageDirectory("millrace");
  link(engine, join(modules, "millrace"));
  const beside = join(dirname(engine), SCOPE);
  const installed = existsSync(beside)
    ? readdirSync(beside).map((name) => join(beside, name))
    : workspacePackages(engine);
  for (const path of installed) {
    const { name } = createRequire(import.meta.url)(join(path, "package.json")) as { readonly name: string };
    if (name.startsWith(`${SCOPE}/`)) link(path, join(modules, name));
  }
  return directory;
}

/** In a checkout packages are not beside each other as they are called. */
function workspacePackages(engine: string): readonly string[] {
  const packages = dirname(engine);
  return readdirSync(packages)
    .map((name) => join(packages, name))
    .filter((path) => existsSync(join(path, "package.json")));
}

function packageDirectory(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

/** Several processes may do this at the same time. */
function link(target: string, path: string): void {
  const real = realpathSync(target);
  if (existsSync(path) && realpathSync(path) === real) return;
  rmSync(path, { force: true });
  try {
    symlinkSync(real, path, "junction");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

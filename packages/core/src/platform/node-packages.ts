import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Packages } from "./platform.ts";

/** Looks where this package lies, and then in the working directory: the command may be installed elsewhere than the job. @internal */
export class NodePackages implements Packages {
  async load(name: string): Promise<unknown> {
    try {
      return await import(/* @vite-ignore */ name);
    } catch (error) {
      if (!isMissing(error, name)) throw error;
    }
    const url = urlFrom(process.cwd(), name);
    return url === undefined ? undefined : await import(/* @vite-ignore */ url);
  }
}

function urlFrom(directory: string, name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(join(directory, "package.json")).resolve(name)).href;
  } catch (error) {
    if (isMissing(error, name)) return undefined;
    throw error;
  }
}

/** Whether the package itself is not there; one that misses another package is, and says so. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return (
    (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND") && error.message.includes(`'${name}'`)
  );
}

import type { Platform } from "millrace";
import { createSimulatedPlatform, type SimulatedPlatform } from "millrace/internal";
import { FileSource } from "../file-source.ts";
import type { FileReadFormat } from "../read-format.ts";
import { driveSource, type SourceRun } from "./source-driver.ts";

/** Files of a test by their absolute path. @internal */
export type TestFiles = Readonly<Record<string, string | Uint8Array>>;

/** @internal */
export interface ReadFilesOptions {
  readonly splitBytes?: number;
  readonly remaining?: number;
  readonly restoreAfter?: number;
  readonly parallelism?: number;
  readonly parallelismAfter?: number;
}

/** A simulated machine with these files on its disk. @internal */
export async function machineWith(files: TestFiles): Promise<SimulatedPlatform> {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(() => writeFiles(platform, files));
  return platform;
}

/** @internal */
export async function writeFiles(platform: Platform, files: TestFiles): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await platform.fs.makeDirectory(platform.fs.resolve(path, ".."));
    const file = await platform.fs.open(path, "create");
    await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content, 0);
    await file.close();
  }
}

/** Reads the directory `/in` of a new machine with these files. @internal */
export async function readFiles<T>(
  files: TestFiles,
  format: FileReadFormat<T>,
  options: ReadFilesOptions = {},
): Promise<SourceRun<T>> {
  const { splitBytes, ...drive } = options;
  const platform = await machineWith(files);
  const source = FileSource.of("/in", format, splitBytes === undefined ? {} : { splitBytes });
  return platform.run(() => driveSource(source, { platform, ...drive }), 1e9);
}

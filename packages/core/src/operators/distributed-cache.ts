import { MillraceError } from "../base/errors.ts";

/**
 * Files that a job was given by name, for functions to read: tables to look things up in, models, dictionaries. They are
 * used where they lie, so a function must not change them.
 *
 * @see Flink's `DistributedCache`, which makes a copy for every TaskManager.
 * @public
 */
export class DistributedCache {
  readonly #paths: ReadonlyMap<string, string>;
  readonly #operatorName: string;

  /** @internal */
  constructor(paths: ReadonlyMap<string, string>, operatorName: string) {
    this.#paths = paths;
    this.#operatorName = operatorName;
  }

  /**
   * The absolute path of the file, or directory, that was registered under the name.
   *
   * @throws MillraceError `MR_CACHED_FILE_UNKNOWN`
   * @example
   * const path = context.getDistributedCache().getFile("airports");
   */
  getFile(name: string): string {
    const path = this.#paths.get(name);
    if (path !== undefined) return path;
    const known = [...this.#paths.keys()];
    throw new MillraceError("MR_CACHED_FILE_UNKNOWN", {
      what: "No file is registered under this name",
      where: { operator: this.#operatorName, file: name },
      found: known.length === 0 ? "no registered files" : known.join(", "),
      expected: "a name given to registerCachedFile, or in pipeline.cached-files",
      todo: "Correct the name, or register the file with env.registerCachedFile(path, name)",
    });
  }
}

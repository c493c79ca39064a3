import { MillraceError } from "../base/errors.ts";
import { loadCheckpoint } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import { disposeSnapshot } from "./savepoint.ts";
import { METADATA_FILE } from "./snapshot-directory.ts";

/**
 * Removes a savepoint or checkpoint by its directory or `_metadata` file: what belongs to it, and nothing else.
 *
 * @returns Its directory, and the names of what was left there since it is not part of it.
 * @throws MillraceError `MR_SAVEPOINT_NO_SNAPSHOT` for anything else, such as the directory of a job; what reading it throws
 * @internal
 */
export async function disposeSavepoint(
  fs: FileSystems,
  path: string,
): Promise<{ readonly directory: string; readonly kept: readonly string[] }> {
  const given = fs.resolve(path);
  const directory = given.endsWith(METADATA_FILE) ? fs.resolve(given, "..") : given;
  if ((await fs.stat(fs.resolve(directory, METADATA_FILE)))?.kind !== "file") {
    throw new MillraceError("MR_SAVEPOINT_NO_SNAPSHOT", {
      what: "There is no savepoint or checkpoint to remove",
      where: { path: given },
      expected: "the directory of one, with its _metadata, or that file",
      todo: "Correct the path; a job's directory is not removed as a whole",
    });
  }
  return { directory, ...(await disposeSnapshot(fs, await loadCheckpoint(fs, directory))) };
}
